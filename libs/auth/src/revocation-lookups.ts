/** Most keys of one command, so that no command blocks Redis or this process for long. */
const KEYS_PER_COMMAND = 1_000;

/** Reads the TTLs of keys, in their order, in milliseconds as PTTL returns them. */
export type ReadTtls = (keys: readonly string[]) => Promise<readonly number[]>;

/** PTTL of a key that does not exist. */
export const NO_KEY = -2;

/** PTTL of a key that does not expire. */
export const NO_END = -1;

type Lookup = PromiseWithResolvers<number>;

/** Reads TTLs of keys. One command serves all lookups of one turn of the event loop. */
export class RevocationLookups {
  private pending = new Map<string, Lookup>();

  constructor(private readonly readTtls: ReadTtls) {}

  /** Milliseconds until the key expires, `NO_KEY` or `NO_END`. @throws Error if Redis does not respond or refuses */
  get(key: string): Promise<number> {
    const known = this.pending.get(key);
    if (known) return known.promise;
    if (this.pending.size === 0) setImmediate(() => this.send());
    const lookup = Promise.withResolvers<number>();
    this.pending.set(key, lookup);
    return lookup.promise;
  }

  private send(): void {
    const all = [...this.pending];
    this.pending = new Map();
    for (let at = 0; at < all.length; at += KEYS_PER_COMMAND) {
      void this.settle(all.slice(at, at + KEYS_PER_COMMAND));
    }
  }

  private async settle(part: readonly (readonly [string, Lookup])[]): Promise<void> {
    try {
      const ttls = await this.readTtls(part.map(([key]) => key));
      for (const [index, [, { resolve }]] of part.entries()) resolve(ttls[index]!);
    } catch (error) {
      for (const [, { reject }] of part) reject(error);
    }
  }
}

/** TTL in milliseconds of a key that does not expire, or whose TTL could not be read. */
export const ASSUMED_TTL_MS = 24 * 3_600_000;

/** Milliseconds for which a key is taken to exist, from its PTTL. */
export function toTtlMs(ttlMs: number): number {
  return ttlMs === NO_END ? ASSUMED_TTL_MS : Math.max(0, ttlMs);
}
