/** The count of a key in its current window. A result of `rate-limiter-flexible` is one. */
export interface RateLimitCount {
  /** Points of the window so far, those of this call included. */
  readonly consumedPoints: number;
  /** Milliseconds until the window ends, 0 to the length of the window. */
  readonly msBeforeNext: number;
}

/**
 * Where rate limits are counted, for all gateways together. A team replaces it by a provider in any module:
 * `{ provide: RateLimitStore, useClass: MyStore }`. Two such providers are an error at boot. The gateway's own counts in Redis.
 *
 * The gateway knows the limits: it decides, writes the headers, and does not ask the store for a key that has used up its limit.
 */
export abstract class RateLimitStore {
  /**
   * Whether the store can be asked now. While it is false, the gateway counts in its memory, against its share of the limit, and no
   * request waits for the store. Default: true.
   */
  get isUp(): boolean {
    return true;
  }

  /**
   * Adds points to the count of a key, in one step: of two calls at the same time each sees the points of the other. The window of
   * a key begins with its first points, and further ones do not make it longer. After it, the count begins at 0.
   *
   * A request waits for the call, for at most `REDIS_COMMAND_TIMEOUT_MS`. If the store throws, rejects, is late, or returns
   * anything else than a count, the gateway counts the request in its memory, logs `rate limit store degraded`, and asks the store
   * again with one request a second, until one succeeds. The points counted meanwhile are then added to the store.
   *
   * @param key a limit and its owner, any text: `MESSAGES:user:42`, `DEFAULT:address:203.0.113.7`
   * @param points 1 or more, an integer
   * @param windowMs length of a window in milliseconds, a multiple of 1000; the same in every call of one gateway
   */
  abstract consume(key: string, points: number, windowMs: number): RateLimitCount | Promise<RateLimitCount>;
}
