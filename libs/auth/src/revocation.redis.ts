import type { Redis } from 'ioredis';

/**
 * The Redis of revocations; the application owns the connection. The connection speaks RESP3 (Redis 6 or newer), so that
 * it carries notifications beside replies.
 */
export interface RevocationRedis {
  /** For commands that no request waits for; they fail after a second or so. */
  readonly client: Redis;
  /** Whether Redis may be read now. */
  readonly isReadable: boolean;
  /** Runs a command that reads, within the time that a request can wait. @throws Error if it fails or takes longer */
  read<Result>(send: (client: Redis) => Promise<Result>): Promise<Result>;
}
