import { once } from 'node:events';
import { spawnPinned } from './pinned.mjs';

const PATIENCE_MS = 60_000;

/** A Node process on one core that answers one question after the other over its channel. */
export class Conversation {
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

  ask(question) {
    const answer = this.next();
    this.#child.send(question);
    return answer;
  }

  end() {
    this.#child.disconnect();
  }

  /** The next answer. @throws Error where the process says so, or does not answer in time */
  async next() {
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const message = once(this.#child, 'message', { signal });
      const [answer] = await Promise.race([message, this.#ended]);
      if (answer.error) throw new Error(answer.error);
      return answer;
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
      throw new Error(`no answer within ${PATIENCE_MS / 1_000} s`, { cause: error });
    }
  }
}
