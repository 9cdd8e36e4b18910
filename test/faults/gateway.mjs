import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.mjs';
import { exitOf, hasEnded, track } from './children.mjs';
import { JWT_SECRET } from './token.mjs';

const MAIN = fileURLToPath(new URL('../../dist/apps/gateway/src/main.js', import.meta.url));
const START_MS = 20_000;
const EXIT_MS = 5_000;
const ASK_AGAIN_MS = 50;

export const HOST = '127.0.0.1';

/** The built gateway as a process, whose output is in files. */
export class Gateway {
  #child;

  /**
   * Starts it and resolves once it answers.
   * @param wrap the command line that runs a command line
   * @param hasChannel whether the process can be asked over IPC: see `ask`
   */
  static async start({ directory, env, wrap = (command) => command, hasChannel = false }) {
    if (!existsSync(MAIN)) throw new Error('There is no build: run `npm run build` first');
    const gateway = new Gateway();
    gateway.port = await freePort();
    gateway.log = join(directory, 'gateway.log');
    gateway.errors = join(directory, 'gateway.stderr');
    const [out, err] = [openSync(gateway.log, 'a'), openSync(gateway.errors, 'a')];
    const [command, ...parameters] = wrap([process.execPath, MAIN]);
    gateway.#child = track(
      spawn(command, parameters, {
        env: {
          PATH: process.env.PATH,
          JWT_SECRET,
          HOST,
          PORT: String(gateway.port),
          REDIS_URL: `redis://${HOST}:9`,
          RATELIMIT: 'off',
          SHUTDOWN_DELAY_MS: '0',
          ...env,
        },
        stdio: ['ignore', out, err, ...(hasChannel ? ['ipc'] : [])],
      }),
    );
    closeSync(out);
    closeSync(err);
    await gateway.#answers();
    return gateway;
  }

  get pid() {
    return this.#child.pid;
  }

  get isAlive() {
    return !hasEnded(this.#child);
  }

  /** How it ended. */
  get end() {
    return this.#child.signalCode ?? this.#child.exitCode;
  }

  get stderr() {
    return readFileSync(this.errors, 'utf8');
  }

  /** The answer of a module in the process that listens to its channel. @throws Error where it takes longer */
  async ask(question, withinMs) {
    const answered = once(this.#child, 'message', { signal: AbortSignal.timeout(withinMs) });
    this.#child.send(question);
    try {
      const [answer] = await answered;
      return answer;
    } catch (cause) {
      throw new Error(`the gateway does not answer "${question}" after ${withinMs} ms`, { cause });
    }
  }

  /** Ends it at once. */
  async kill() {
    this.#child.kill('SIGKILL');
    await exitOf(this.#child, EXIT_MS);
  }

  /** What it logged, by request id. */
  async requests() {
    const requests = new Map();
    for (const text of (await readFile(this.log, 'utf8')).split('\n')) {
      if (!text.includes('"request_id"')) continue;
      const line = JSON.parse(text);
      requests.set(line.request_id, line);
    }
    return requests;
  }

  /** A figure of /proc/PID/status, in bytes: VmRSS, or VmHWM, the most that it ever was. */
  async memory(name) {
    const status = await readFile(`/proc/${this.pid}/status`, 'latin1');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1]) * 1_024;
  }

  async openFiles() {
    return (await readdir(`/proc/${this.pid}/fd`)).length;
  }

  async #answers() {
    const until = performance.now() + START_MS;
    while (performance.now() < until) {
      if (!this.isAlive) throw new Error(`the gateway ended with ${this.end}: ${this.stderr}`);
      try {
        const url = `http://${HOST}:${this.port}/health/live`;
        const response = await fetch(url, { headers: { Connection: 'close' } });
        if (response.ok) return;
      } catch {
        // Not yet.
      }
      await delay(ASK_AGAIN_MS);
    }
    throw new Error(`the gateway does not answer after ${START_MS} ms: ${this.stderr}`);
  }
}
