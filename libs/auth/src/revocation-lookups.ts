/** Keys of one command, so that none holds up Redis or this process for long. */
const KEYS_PER_COMMAND = 1_000;

/** Reads the lives of keys, in their order, in milliseconds as PTTL says them. */
export type ReadTtls = (keys: readonly string[]) => Promise<readonly number[]>;

/** PTTL of a key that does not exist. */
export const NO_KEY = -2;

/** PTTL of a key that does not expire. */
export const NO_END = -1;

type Lookup = PromiseWithResolvers<number>;

/** Asks for the remaining lives of keys: those that are asked for in one turn of the event loop go out together. */
export class RevocationLookups {
  private pending = new Map<string, Lookup>();

  constructor(private readonly readLives: ReadTtls) {}

  /** Milliseconds as PTTL says them. @throws Error if Redis cannot be asked */
  get(key: string): Promise<number> {
    const known = this.pending.get(key);
    if (known) return known.promise;
    if (this.pending.size === 0) setImmediate(() => this.send());
    const asked = Promise.withResolvers<number>();
    this.pending.set(key, asked);
    return asked.promise;
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
      const lives = await this.readLives(part.map(([key]) => key));
      for (const [index, [, { resolve }]] of part.entries()) resolve(lives[index]!);
    } catch (error) {
      for (const [, { reject }] of part) reject(error);
    }
  }
}
