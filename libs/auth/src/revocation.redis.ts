import type { Redis } from 'ioredis';

/**
 * Redis as revocation needs it; the application owns the connection. It speaks RESP3 (Redis 6 or newer), so that
 * notifications come over the same connection as answers.
 */
export interface RevocationRedis {
  readonly client: Redis;
  /** Whether Redis may be asked now. */
  readonly isUp: boolean;
  /** Runs a command within the time that a request can wait. @throws Error where Redis cannot be asked, or fails */
  run<Result>(send: (client: Redis) => Promise<Result>): Promise<Result>;
  /** Asks to be told whenever Redis may be asked again, the first time included. Must not throw. */
  onUp(listener: () => Promise<void>): void;
}
