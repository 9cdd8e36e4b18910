import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readdir, readFile, truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { exitOf, hasEnded } from '../../faults/children.mjs';
import { HOST } from '../../faults/gateway.mjs';
import { freePort } from '../../support/free-port.mjs';
import { spawnPinned } from './pinned.mjs';
import { SEARCH_PATH } from './targets.mjs';

const PROBE = fileURLToPath(new URL('probe.mjs', import.meta.url));
const START_TIMEOUT_MS = 15_000;
const CONNECT_INTERVAL_MS = 20;
const EXIT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 15_000;

/** A process is idle if it uses at most this share of its core for so long. */
const IDLE_SHARE = 0.05;
const IDLE_INTERVAL_MS = 200;

/** A target as a running process on a core of its own. Its output, an access log too, goes to files. */
export class TargetProcess {
  #child;
  #errors;
  #output;
  #isProbed;

  /**
   * Starts a target and resolves once it listens.
   *
   * @param env variables in addition to the target's own
   * @param probe whether a program of Node must know the commands of probe.mjs
   * @throws Error if the target does not listen within 15 s
   */
  static async start(target, { core, service, directory, env = {}, probe = false }) {
    const proxy = new TargetProcess();
    proxy.target = target;
    proxy.port = await freePort();
    const place = { port: proxy.port, service, directory };
    const isNode = target.program !== undefined;
    const probed = probe && isNode ? ['--expose-gc', '--import', PROBE] : [];
    const command = isNode
      ? [process.execPath, ...(target.flags ?? []), ...probed, target.program]
      : target.command(place);
    proxy.#errors = join(directory, `${proxy.port}.stderr`);
    proxy.#output = join(directory, `${proxy.port}.stdout`);
    const [out, err] = [openSync(proxy.#output, 'w'), openSync(proxy.#errors, 'w')];
    proxy.#child = spawnPinned(core, command, {
      env: {
        PATH: SEARCH_PATH,
        NODE_ENV: 'production',
        PORT: String(proxy.port),
        SERVICE: service,
        ...target.env?.(place),
        ...env,
      },
      stdio: ['ignore', out, err, ...(probed.length > 0 ? ['ipc'] : [])],
    });
    proxy.#isProbed = probed.length > 0;
    closeSync(out);
    closeSync(err);
    await proxy.#waitUntilListening();
    return proxy;
  }

  get url() {
    return `http://${HOST}:${this.port}`;
  }

  /** User and system time of all threads since the start of the process, in microseconds. */
  async cpuUs() {
    const tasks = `/proc/${this.#child.pid}/task`;
    let ns = 0;
    for (const thread of await readdir(tasks)) {
      ns += Number.parseInt(await readFile(join(tasks, thread, 'schedstat'), 'latin1'), 10);
    }
    return ns / 1_000;
  }

  /** @throws Error if the process is still busy after 15 s */
  async waitUntilIdle() {
    const until = performance.now() + IDLE_TIMEOUT_MS;
    let share = 1;
    while (share > IDLE_SHARE) {
      if (performance.now() > until) throw new Error(`${this.target.key} is still busy`);
      const before = await this.cpuUs();
      await delay(IDLE_INTERVAL_MS);
      share = ((await this.cpuUs()) - before) / (IDLE_INTERVAL_MS * 1_000);
    }
  }

  /** Empties the file of the output. */
  async clearOutput() {
    await truncate(this.#output);
  }

  /** A figure of /proc/PID/status in bytes: VmRSS is the resident memory, VmHWM its peak. */
  async memory(name) {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'latin1');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1]) * 1_024;
  }

  /** Runs a command of the probe, if the process has one. @throws Error if there is no response within 60 s */
  async runCommand(command, parameters = {}) {
    if (!this.#isProbed) return;
    const done = once(this.#child, 'message', { signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS) });
    this.#child.send({ command, ...parameters });
    await done;
  }

  async end() {
    this.#child.kill('SIGKILL');
    await exitOf(this.#child, EXIT_TIMEOUT_MS);
  }

  async #waitUntilListening() {
    const until = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < until) {
      if (hasEnded(this.#child)) break;
      const socket = connect(this.port, HOST);
      try {
        await once(socket, 'connect');
        return;
      } catch {
        await delay(CONNECT_INTERVAL_MS);
      } finally {
        socket.destroy();
      }
    }
    throw new Error(`${this.target.key} did not start: ${readFileSync(this.#errors, 'utf8')}`);
  }
}
