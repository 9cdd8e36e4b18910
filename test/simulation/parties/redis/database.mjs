import { createMatcher } from './glob.mjs';
import { ReplyError } from './resp.mjs';

/** Share of the steps of a scan whose last key the next step finds again, as after a resize of Redis's table. */
const REPEAT_SHARE = 0.1;

/**
 * The keys of one database. Keys and values are binary strings. A value is a string or a list; entries are
 * `{ value, expiresAt }` and never change, so that a former one can be put back.
 */
export class Database {
  #entries = new Map();
  /** No key expires before. */
  #firstExpiry = Infinity;
  /** Keys in the order of a scan; undefined until the first scan. */
  #order;
  #seed;
  #options;

  /**
   * @param {object} options
   * @param {number} options.index
   * @param {{ uint32(): number, chance(share: number): boolean }} options.random
   * @param {() => number} options.now milliseconds since 1970
   * @param {(type: string, event: string, key: string) => void} options.onEvent called at each event of a key
   * @param {(database: Database, key: string, former: object | undefined) => void} options.onWrite called before a write
   */
  constructor(options) {
    this.#options = options;
    this.#seed = options.random.uint32();
  }

  get index() {
    return this.#options.index;
  }

  /** Keys, with those that have expired and were not deleted yet. */
  get size() {
    return this.#entries.size;
  }

  /** The earliest moment at which a key may expire, in milliseconds since 1970. */
  get firstExpiry() {
    return this.#firstExpiry;
  }

  /** The entry of a key; undefined if there is none, or if it has just expired. */
  find(key) {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt >= this.#options.now()) return entry;
    this.#expire(key);
    return undefined;
  }

  /** As `find`, for a command that reads. */
  read(key) {
    const entry = this.find(key);
    if (entry === undefined) this.notify('m', 'keymiss', key);
    return entry;
  }

  /** Milliseconds that a key has left, as PTTL says them. */
  pttl(key) {
    const entry = this.read(key);
    if (entry === undefined) return -2;
    return entry.expiresAt === Infinity ? -1 : Math.max(0, entry.expiresAt - this.#options.now());
  }

  /** SET. @param {number} expiresAt milliseconds since 1970, or Infinity */
  set(key, value, expiresAt = Infinity) {
    this.find(key);
    this.put(key, { value, expiresAt });
    this.notify('$', 'set', key);
    if (expiresAt !== Infinity) this.notify('g', 'expire', key);
  }

  /** Writes an entry; the caller tells of it. */
  put(key, entry) {
    const former = this.#entries.get(key);
    this.#options.onWrite(this, key, former);
    this.#place(key, entry);
    if (former === undefined) this.notify('n', 'new', key);
  }

  /** DEL. @returns {boolean} whether there was a key */
  delete(key) {
    if (this.find(key) === undefined) return false;
    this.#remove(key);
    this.notify('g', 'del', key);
    return true;
  }

  /** Puts a former entry back, without an event. */
  restore(key, former) {
    if (former !== undefined) this.#place(key, former);
    else this.#delete(key);
  }

  clear() {
    this.#order = undefined;
    for (const key of this.#entries.keys()) this.#remove(key);
  }

  /** Deletes the keys that have expired. */
  deleteExpired({ notifies = true } = {}) {
    const now = this.#options.now();
    if (now <= this.#firstExpiry) return;
    this.#firstExpiry = Infinity;
    for (const [key, { expiresAt }] of this.#entries) {
      if (expiresAt >= now) this.#firstExpiry = Math.min(this.#firstExpiry, expiresAt);
      else if (notifies) this.#expire(key);
      else this.#remove(key);
    }
  }

  /** All keys that match, for KEYS. */
  keys(pattern) {
    const matches = createMatcher(pattern);
    return this.#ordered()
      .map(({ key }) => key)
      .filter((key) => matches(key) && this.find(key) !== undefined);
  }

  /**
   * One step of a SCAN. The cursor is a place in the order of hashes, so that a key that is there from the first step to
   * the last is found whatever else changes, and a key may be found twice.
   * @param {number} cursor 0 for the first step
   * @returns {{ cursor: number, keys: string[] }} cursor 0 after the last step
   */
  scan(cursor, { pattern = '*', count = 10 } = {}) {
    const matches = createMatcher(pattern);
    const order = this.#ordered();
    const begin = lowerBound(order, { hash: cursor, key: '' });
    let end = Math.min(order.length, begin + count);
    while (end > begin && end < order.length && order[end].hash === order[end - 1].hash) end++;
    const found = order.slice(begin, end).map(({ key }) => key);
    const next = end < order.length ? this.#nextCursor(order, begin, end) : 0;
    // Deletes keys that have expired, and so changes the order.
    return { cursor: next, keys: found.filter((key) => matches(key) && this.find(key) !== undefined) };
  }

  #nextCursor(order, begin, end) {
    const repeats = end - begin > 1 && this.#options.random.chance(REPEAT_SHARE);
    // Beyond the first key of this step, or the next step would not go on.
    const canRepeat = repeats && order[end - 1].hash > order[begin].hash;
    return order[canRepeat ? end - 1 : end].hash;
  }

  notify(type, event, key) {
    this.#options.onEvent(type, event, key);
  }

  #place(key, entry) {
    if (this.#order && !this.#entries.has(key)) {
      const place = this.#placeOf(key);
      this.#order.splice(lowerBound(this.#order, place), 0, place);
    }
    this.#entries.set(key, entry);
    this.#firstExpiry = Math.min(this.#firstExpiry, entry.expiresAt);
  }

  #expire(key) {
    this.#remove(key);
    this.notify('x', 'expired', key);
  }

  #remove(key) {
    this.#options.onWrite(this, key, this.#entries.get(key));
    this.#delete(key);
  }

  #delete(key) {
    if (!this.#entries.delete(key)) return;
    this.#order?.splice(lowerBound(this.#order, this.#placeOf(key)), 1);
  }

  #placeOf(key) {
    return { key, hash: toHash(key, this.#seed) };
  }

  #ordered() {
    this.#order ??= [...this.#entries.keys()]
      .map((key) => this.#placeOf(key))
      .toSorted((one, other) => (isBefore(one, other) ? -1 : 1));
    return this.#order;
  }
}

/** @returns the string of an entry @throws {ReplyError} for a list */
export function stringOf(entry) {
  if (typeof entry.value === 'string') return entry.value;
  throw new ReplyError('WRONGTYPE Operation against a key holding the wrong kind of value');
}

/** The index of the first place that is not before this one. */
function lowerBound(order, place) {
  let [from, to] = [0, order.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBefore(order[middle], place)) from = middle + 1;
    else to = middle;
  }
  return from;
}

const isBefore = (one, other) => one.hash < other.hash || (one.hash === other.hash && one.key < other.key);

/** FNV-1a, mixed: 1 to 2^32. */
function toHash(key, seed) {
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) + 1;
}
