import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readdir, readFile, truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { exitOf, hasEnded } from '../../faults/children.mjs';
import { freePort, HOST } from '../../faults/gateway.mjs';
import { spawnPinned } from './pinned.mjs';
import { SEARCH_PATH } from './targets.mjs';

const PROBE = fileURLToPath(new URL('probe.mjs', import.meta.url));
const START_MS = 15_000;
const ASK_AGAIN_MS = 20;
const EXIT_MS = 5_000;
const COMMAND_MS = 60_000;

/** A process rests once it uses less than this share of its core. */
const REST_SHARE = 0.05;
const REST_MS = 200;

/** A target as a running process on a core of its own; what it prints, an access log too, goes to files. */
export class Proxy {
  #child;
  #errors;
  #output;
  #isProbed;

  /**
   * Starts it and resolves once it listens.
   * @param env variables in addition to the target's own
   * @param probe whether `collect` and `profile` are wanted, of a program of Node
   */
  static async start(target, { core, service, directory, env = {}, probe = false }) {
    const proxy = new Proxy();
    proxy.target = target;
    proxy.port = await freePort();
    const where = { port: proxy.port, service, directory };
    const isNode = target.program !== undefined;
    const probed = probe && isNode ? ['--expose-gc', '--import', PROBE] : [];
    const command = isNode
      ? [process.execPath, ...(target.flags ?? []), ...probed, target.program]
      : target.command(where);
    proxy.#errors = join(directory, `${proxy.port}.stderr`);
    proxy.#output = join(directory, `${proxy.port}.stdout`);
    const [out, err] = [openSync(proxy.#output, 'w'), openSync(proxy.#errors, 'w')];
    proxy.#child = spawnPinned(core, command, {
      env: {
        PATH: SEARCH_PATH,
        NODE_ENV: 'production',
        PORT: String(proxy.port),
        SERVICE: service,
        ...target.env?.(where),
        ...env,
      },
      stdio: ['ignore', out, err, ...(probed.length > 0 ? ['ipc'] : [])],
    });
    proxy.#isProbed = probed.length > 0;
    closeSync(out);
    closeSync(err);
    await proxy.#listens();
    return proxy;
  }

  get url() {
    return `http://${HOST}:${this.port}`;
  }

  /** User and system time of all its threads so far, in microseconds. */
  async cpuUs() {
    const tasks = `/proc/${this.#child.pid}/task`;
    let ns = 0;
    for (const thread of await readdir(tasks)) {
      ns += Number.parseInt(await readFile(join(tasks, thread, 'schedstat'), 'latin1'), 10);
    }
    return ns / 1_000;
  }

  /** Resolves once it has nothing to do. */
  async rests() {
    const until = performance.now() + START_MS;
    let share = 1;
    while (share > REST_SHARE) {
      if (performance.now() > until) throw new Error(`${this.target.key} does not come to rest`);
      const before = await this.cpuUs();
      await delay(REST_MS);
      share = ((await this.cpuUs()) - before) / (REST_MS * 1_000);
    }
  }

  /** Throws away what it has printed. */
  async clearOutput() {
    await truncate(this.#output);
  }

  /** A figure of /proc/PID/status in bytes: VmRSS, or VmHWM, the most that it ever was. */
  async memory(name) {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'latin1');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1]) * 1_024;
  }

  /** Has the probe do something, where there is one. @throws Error where it does not do so in time */
  async command(command, what = {}) {
    if (!this.#isProbed) return;
    const done = once(this.#child, 'message', { signal: AbortSignal.timeout(COMMAND_MS) });
    this.#child.send({ command, ...what });
    await done;
  }

  async end() {
    this.#child.kill('SIGKILL');
    await exitOf(this.#child, EXIT_MS);
  }

  async #listens() {
    const until = performance.now() + START_MS;
    while (performance.now() < until) {
      if (hasEnded(this.#child)) break;
      const socket = connect(this.port, HOST);
      try {
        await once(socket, 'connect');
        return;
      } catch {
        await delay(ASK_AGAIN_MS);
      } finally {
        socket.destroy();
      }
    }
    throw new Error(`${this.target.key} did not start: ${readFileSync(this.#errors, 'utf8')}`);
  }
}
