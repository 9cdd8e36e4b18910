import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Processes that this one started and that have not ended. */
const children = new Set();

/** Ends the process with this one, however this one ends. */
export function track(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Starts a process and waits for a line that says it is ready. */
export async function startUntil(isReady, [command, ...parameters], env = {}) {
  const child = track(
    spawn(command, parameters, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  for await (const line of createInterface({ input: child.stdout })) {
    if (isReady(line)) {
      child.stdout.resume();
      return { child, line };
    }
  }
  throw new Error(`${command} did not start`);
}

/** A redis-server on 127.0.0.1 that keeps nothing. @param wrap the command line that runs a command line */
export function startRedis(port, wrap = (command) => command) {
  const options = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  return startUntil(
    (line) => line.includes('Ready to accept connections'),
    wrap(['redis-server', ...options.map(String)]),
  );
}

export function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Resolves with the exit code. @throws Error where it takes longer */
export async function exitOf(child, withinMs) {
  if (hasEnded(child)) return child.exitCode;
  try {
    const [code] = await once(child, 'exit', { signal: AbortSignal.timeout(withinMs) });
    return code;
  } catch (cause) {
    throw new Error(`process ${child.pid} has not ended after ${withinMs} ms`, { cause });
  }
}

/** Ends this process, with all that it started, where it takes longer. */
export function limitTime(ms) {
  setTimeout(() => {
    process.stderr.write(`given up after ${ms / 1000} s\n`);
    process.exit(1);
  }, ms).unref();
}

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
