import { createHash } from 'node:crypto';

/** An id with its checksum. The gateway makes UUIDs, which cannot begin like this. */
const ID = /fuzz-(\d+)-(\d+)-(\d+)-([0-9a-f]{12})/g;

/**
 * Makes the ids of one run and finds them again. An id names its batch, its connection and its number on that
 * connection; the checksum tells it from an id that a mutation has changed.
 */
export class Ids {
  #seed;

  constructor(seed) {
    this.#seed = seed;
  }

  create(batch, connection, number) {
    const name = `fuzz-${batch}-${connection}-${number}`;
    return `${name}-${this.#checksum(name)}`;
  }

  /** All whole ids in the bytes, each as `{ id, owner }`; the owner is the client's connection. */
  in(bytes) {
    const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
    const found = [];
    for (const [id, batch, connection, number, checksum] of text.matchAll(ID)) {
      if (this.#checksum(`fuzz-${batch}-${connection}-${number}`) === checksum) {
        found.push({ id, owner: ownerName(batch, connection) });
      }
    }
    return found;
  }

  /** The first whole id in the text, if there is one. */
  firstIn(text) {
    return text === undefined ? undefined : this.in(text)[0]?.id;
  }

  /** The owners of the ids in the bytes besides the one given. */
  foreignIn(bytes, owner) {
    return [...new Set(this.in(bytes).map((each) => each.owner))].filter((each) => each !== owner);
  }

  #checksum(name) {
    return createHash('sha256').update(`${this.#seed}/${name}`).digest('hex').slice(0, 12);
  }
}

export function ownerName(batch, connection) {
  return `${batch}-${connection}`;
}

/** The number of the connections that look whether the gateway still serves; services never lie to them. */
export const CHECKS = 1_000_000;

export function isCheck(id) {
  return id.split('-')[2] === String(CHECKS);
}
