import { once } from 'node:events';
import { spawnPinned } from './pinned.mjs';

const COMMAND_TIMEOUT_MS = 60_000;

/** A Node process on one core that carries out one command after the other, which it gets over its channel. */
export class CommandProcess {
  #child;
  /** Never resolves. */
  #ended;

  constructor(core, program) {
    this.#child = spawnPinned(core, [process.execPath, program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#ended = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`${program} ended with ${code}`);
    });
    this.#ended.catch(() => {});
  }

  /** Sends a command. @returns the response to it. @throws Error as `nextResponse` does */
  run(command) {
    const response = this.nextResponse();
    this.#child.send(command);
    return response;
  }

  end() {
    this.#child.disconnect();
  }

  /**
   * The next response; the first one comes once the process is ready.
   *
   * @throws Error if the response is an error, or does not come within 60 s, or the process ends
   */
  async nextResponse() {
    try {
      const signal = AbortSignal.timeout(COMMAND_TIMEOUT_MS);
      const message = once(this.#child, 'message', { signal });
      const [response] = await Promise.race([message, this.#ended]);
      if (response.error) throw new Error(response.error);
      return response;
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
      throw new Error(`no response within ${COMMAND_TIMEOUT_MS / 1_000} s`, { cause: error });
    }
  }
}
