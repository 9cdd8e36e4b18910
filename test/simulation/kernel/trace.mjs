import { createHash } from 'node:crypto';

/** Lines that are kept for the story of a failure. */
const MOST_LINES = 20_000;

/**
 * The events of a simulation in their order, each with its moment. All go into one hash, by which two plays of a seed are
 * compared; the last are kept to be read.
 */
export class Trace {
  events = 0;
  lines = [];
  #hash = createHash('sha256');
  #clock;
  #startsAt;

  constructor(clock) {
    this.#clock = clock;
    this.#startsAt = clock.time;
  }

  /** @param who a party or a connection @param what one line; no date, WebSocket key or mask, which differ by play */
  note(who, what) {
    const line = `${this.#clock.time - this.#startsAt} ${who}: ${what}`;
    this.events++;
    this.#hash.update(`${line}\n`);
    this.lines.push(line);
    if (this.lines.length > 2 * MOST_LINES) this.lines.splice(0, MOST_LINES);
  }

  digest() {
    return this.#hash.copy().digest('hex');
  }
}
