import type { Redis } from 'ioredis';

/**
 * Redis as revocation needs it; the application owns the connection. It speaks RESP3 (Redis 6 or newer), so that
 * notifications come over the same connection as answers.
 */
export interface RevocationRedis {
  /** For what no request waits for: it gives up after a second or so. */
  readonly client: Redis;
  /** Whether Redis may be read now. */
  readonly isReadable: boolean;
  /** Runs a command that reads, within the time that a request can wait. @throws Error where that cannot be, or fails */
  read<Result>(send: (client: Redis) => Promise<Result>): Promise<Result>;
}
