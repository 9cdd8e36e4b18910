import type { RevocationKind } from './revocation-keys.js';

/** A token or a session that is no longer accepted. */
export interface Revocation {
  readonly kind: RevocationKind;
  /** The token's `jti`, or the id of the session. */
  readonly id: string;
  /** Milliseconds until no token can have it any more; after that it is forgotten. Undefined, or no finite number: 24 hours. */
  readonly ttlMs: number | undefined;
}

/** Gets the changes of a source. Its methods never throw. */
export interface RevocationWatcher {
  /**
   * A token or a session is revoked from now on.
   * @param ttlMs see `Revocation`. A source that learns it later gives a promise: until then it is 24 hours.
   */
  revoked(kind: RevocationKind, id: string, ttlMs?: number | PromiseLike<number>): void;
  /** A revocation was taken back. */
  restored(kind: RevocationKind, id: string): void;
  /** The source can be read, again or for the first time: all revocations are read now, not with the next proof. */
  ready(): void;
  /** The source is away: changes are missed until all revocations were read again. */
  lost(): void;
}

/**
 * Where revocations come from. A team replaces it by a provider in any module: `{ provide: RevocationSource, useClass: MySource }`.
 * Two such providers are an error at boot. The gateway's own reads Redis.
 *
 * The gateway has the revocations in memory, so that a request asks nobody: it reads all of them by `load`, and hears of changes by
 * `watch`. A source needs `load` alone; then all are read again every 10 s, and a revocation is known at most so late.
 *
 * If a method throws, rejects, is late, or gives what is no revocation, memory alone decides: a revocation that the gateway knows stays
 * known. The gateway logs `revocation source degraded`, and reads again every 10 s.
 */
export abstract class RevocationSource {
  /**
   * Reads all revocations that exist, in batches of any size; `async *load() { yield rows; }` has one. Those that the memory has and
   * this lacks are not taken back. Late after 10 s for a batch, or 60 s for all. The gateway stops early if memory is full.
   */
  abstract load(): AsyncIterable<readonly Revocation[]>;

  /** Begins to report changes. Called once, before the first `load`. Default: reports none. */
  watch(_watcher: RevocationWatcher): void {}

  /**
   * Whether the watcher gets every change from now on; called every 10 s, and before each `load`. If false, all revocations are read
   * with each call, and unknown ids are looked up if the source is readable. Late after 10 s. Default: false.
   *
   * @param onDoubt to be called as soon as a change may have been missed, so that lookups begin before this is known for sure
   */
  proveWatch(_onDoubt: () => void): Promise<boolean> {
    return Promise.resolve(false);
  }

  /**
   * Whether `lookUp` can be asked now. While it is false, and for a second after a failure, memory alone decides. Default: false, for
   * a source without lookups.
   */
  get isReadable(): boolean {
    return false;
  }

  /**
   * Looks one id up, while memory may lack some: during the first `load`, without a proven watch, or with more revocations than memory
   * may have. A request waits for it, for at most half of `REDIS_COMMAND_TIMEOUT_MS`.
   *
   * @returns its `ttlMs`; undefined if it is not revoked
   */
  lookUp(_kind: RevocationKind, _id: string): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }
}
