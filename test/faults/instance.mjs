import { fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitOf, hasEnded, track } from './children.mjs';

const SERVICE = fileURLToPath(new URL('service.mjs', import.meta.url));
const PATIENCE_MS = 10_000;

/** One instance of the service: a process, which may die and come back, with one ledger over all its lives. */
export class Instance {
  #child;
  #answers = new Map();
  #ids = 0;
  #behaviour = {};

  constructor({ name, host, port, directory }) {
    this.name = name;
    this.host = host;
    this.port = port;
    this.origin = `http://${host}:${port}`;
    this.ledger = join(directory, `${name}.ledger`);
    this.log = join(directory, `${name}.log`);
  }

  /** Starts it and resolves once it listens. @param delayMs after which it does */
  async start({ delayMs = 0 } = {}) {
    const log = openSync(this.log, 'a');
    this.#child = track(
      fork(SERVICE, [], {
        env: {
          NAME: this.name,
          HOST: this.host,
          PORT: String(this.port),
          LEDGER: this.ledger,
          START_DELAY_MS: String(delayMs),
        },
        stdio: ['ignore', log, log, 'ipc'],
      }),
    );
    closeSync(log);
    this.#child.on('message', ({ id, error }) => this.#answers.get(id)?.(error));
    await this.#answered('listening', PATIENCE_MS + delayMs);
    if (Object.keys(this.#behaviour).length > 0) await this.behave({});
  }

  /** How it meets requests from now on, in later lives too: see `service.mjs`. */
  async behave(change) {
    Object.assign(this.#behaviour, change);
    const id = ++this.#ids;
    const answered = this.#answered(id, PATIENCE_MS);
    this.#child.send({ id, change: this.#behaviour });
    await answered;
  }

  /** Resolves once it says that it is well. */
  async isWell() {
    const headers = { Connection: 'close' };
    const response = await fetch(`${this.origin}/health`, {
      headers,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) throw new Error(`${this.name} is not well: ${response.status}`);
    await response.text();
  }

  signal(name) {
    this.#child.kill(name);
  }

  /** Ends it at once, stopped or not. */
  async kill() {
    if (this.#child === undefined || hasEnded(this.#child)) return;
    this.#child.kill('SIGKILL');
    await exitOf(this.#child, PATIENCE_MS);
  }

  /** Ends it as an orchestrator does, and resolves once it has. */
  async stop() {
    this.#child.kill('SIGTERM');
    await exitOf(this.#child, PATIENCE_MS);
  }

  #answered(id, withinMs) {
    const { promise, resolve, reject } = Promise.withResolvers();
    const timer = setTimeout(() => reject(new Error(`${this.name} does not answer "${id}"`)), withinMs);
    this.#answers.set(id, (error) => {
      clearTimeout(timer);
      this.#answers.delete(id);
      if (error === undefined) resolve();
      else reject(new Error(`${this.name}: ${error}`));
    });
    return promise;
  }
}
