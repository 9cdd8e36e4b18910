import { Database } from './database.mjs';

const DATABASES = 16;

/** Milliseconds of writes that can be lost, at most, and how many writes. */
const JOURNAL_MS = 60_000;
const JOURNAL_WRITES = 100_000;

/** All databases, and a journal of the last writes, by which a failover loses some. */
export class Keyspace {
  #databases;
  /** Former entries: `{ at, database, key, former }`. */
  #journal = [];

  /**
   * @param {object} options
   * @param {{ uint32(): number, chance(share: number): boolean }} options.random
   * @param {() => number} options.now milliseconds since 1970
   * @param {(change: { type: string, event: string, key: string, database: number }) => void} options.onEvent
   */
  constructor({ random, now, onEvent }) {
    this.#databases = Array.from(
      { length: DATABASES },
      (_, index) =>
        new Database({
          index,
          random,
          now,
          onEvent: (type, event, key) => onEvent({ type, event, key, database: index }),
          onWrite: (database, key, former) => this.#record({ at: performance.now(), database, key, former }),
        }),
    );
  }

  /** @returns {Database | undefined} */
  at(index) {
    return this.#databases[index];
  }

  get firstExpiry() {
    return Math.min(...this.#databases.map(({ firstExpiry }) => firstExpiry));
  }

  deleteExpired(options) {
    for (const database of this.#databases) database.deleteExpired(options);
  }

  clear() {
    for (const database of this.#databases) database.clear();
    this.#journal = [];
  }

  /**
   * Undoes the writes after a moment, without events.
   * @param {number} since of `performance.now()`
   * @throws {RangeError} if the journal does not reach back so far
   */
  loseSince(since) {
    if (performance.now() - since > JOURNAL_MS + 1) {
      throw new RangeError(`at most the writes of ${JOURNAL_MS} ms can be lost`);
    }
    while (this.#journal.length > 0 && this.#journal.at(-1).at > since) {
      const { database, key, former } = this.#journal.pop();
      database.restore(key, former);
    }
    this.#journal = [];
  }

  #record(write) {
    this.#journal.push(write);
    // Seldom, since it copies the journal.
    if (this.#journal.length < 2 * JOURNAL_WRITES) return;
    const since = write.at - JOURNAL_MS;
    this.#journal = this.#journal.slice(-JOURNAL_WRITES).filter(({ at }) => at > since);
  }
}
