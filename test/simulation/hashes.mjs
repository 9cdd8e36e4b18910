import { readFileSync, writeFileSync } from 'node:fs';

/** The seed whose hashes are stored. */
export const STORED_SEED = '1';

/** Characters of a hash that are stored. */
const LENGTH = 32;

/**
 * The hashes of one seed, of each scenario. They are the same in every process of one version of Node: a play that has another
 * hash shows that the product, the simulator or a package behaves otherwise.
 */
export class StoredHashes {
  /** Scenarios whose play had another hash. */
  changed = [];
  #path;
  #stored;
  #played = {};

  constructor(path) {
    this.#path = path;
    this.#stored = JSON.parse(readFileSync(path, 'utf8'));
  }

  /** A play has ended. Other versions of Node may order what happens in one turn of the event loop in another way. */
  compare({ seed, scenario, hash }) {
    if (seed !== STORED_SEED) return;
    const shown = hash.slice(0, LENGTH);
    this.#played[scenario] = shown;
    const { node, hashes } = this.#stored;
    if (node === process.version && hashes[scenario] !== shown) this.changed.push(scenario);
  }

  /** Stores the hashes of the plays. */
  write() {
    const { node, hashes } = this.#stored;
    // Of another version all are another version's.
    const known = node === process.version ? hashes : {};
    const stored = { node: process.version, hashes: { ...known, ...this.#played } };
    writeFileSync(this.#path, `${JSON.stringify(stored, undefined, 2)}\n`);
    this.changed = [];
  }
}
