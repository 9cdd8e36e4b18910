import { createHash } from 'node:crypto';

/**
 * A seeded generator (sfc32). `fork` gives a generator of its own for each name, so that the choices of one connection
 * do not depend on those of another.
 */
export class Random {
  #seed;
  #state;

  constructor(seed) {
    this.#seed = String(seed);
    const digest = createHash('sha256').update(this.#seed).digest();
    this.#state = [0, 4, 8, 12].map((offset) => digest.readUInt32LE(offset));
  }

  fork(name) {
    return new Random(`${this.#seed}/${name}`);
  }

  /** 0 to 2^32 - 1. */
  uint32() {
    const state = this.#state;
    const result = (state[0] + state[1] + state[3]) | 0;
    state[3] = (state[3] + 1) | 0;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = (state[2] + (state[2] << 3)) | 0;
    state[2] = (((state[2] << 21) | (state[2] >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** A whole number, both bounds included. */
  int(least, most) {
    return least + (this.uint32() % (most - least + 1));
  }

  chance(share) {
    return this.uint32() / 2 ** 32 < share;
  }

  pick(list) {
    return list[this.int(0, list.length - 1)];
  }

  /** A key of the table, as often as its weight says. */
  weighted(table) {
    const entries = Object.entries(table);
    let rest = (this.uint32() / 2 ** 32) * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      rest -= weight;
      if (rest < 0) return key;
    }
    return entries.at(-1)[0];
  }

  bytes(length) {
    return Buffer.from(Array.from({ length }, () => this.uint32() & 0xff));
  }

  uuid() {
    const hex = this.bytes(16).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}
