import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';
import { PendingRevocations, type PendingRevocation } from './pending-revocations.js';

/** A revoked access token. */
export interface RevokedToken {
  readonly jti: string;
  /** In seconds since 1970. */
  readonly expires_at: number;
}

/** An ended session. */
export interface RevokedSession {
  readonly id: string;
}

/** What ended together. */
export interface Revoked {
  /** Whose tokens and sessions they are. */
  readonly userId: string;
  readonly tokens: readonly RevokedToken[];
  readonly sessions: readonly RevokedSession[];
}

/**
 * Seconds that the key of an ended session lives: longer than any access token, however much the clocks differ, and so that
 * a gateway which was without Redis for less hears of each.
 */
const SESSION_KEY_SECONDS = 3_600;

/** Seconds that a revoked token's key outlives the token: by so much the clock of a gateway may be behind. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** Keys of one round trip. */
const BATCH = 500;

/** Milliseconds until Redis is tried again that refused a key or did not answer. */
const RETRY_MS = 1_000;

/** Milliseconds that Redis may take to answer. */
const COMMAND_TIMEOUT_MS = 1_000;

/** Milliseconds between two tries to connect: the first, with every further one as much more, and the most. */
const RECONNECT_STEP_MS = 50;
const RECONNECT_MOST_MS = 1_000;

/**
 * Tells the gateways which access tokens and sessions are revoked, each by a key in Redis: of a token for the rest of its
 * life, of a session for an hour, since sockets outlive the tokens that opened them. A key that
 * Redis does not take (away, full, read-only) is kept and tried again each second, over a new connection, for which the
 * name is resolved anew, until it is written or the token expires. Without a Redis nobody is told, and this service
 * refuses such tokens by itself.
 */
@Injectable()
export class RevocationPublisher implements OnApplicationShutdown {
  readonly #redis: Redis | undefined;
  readonly #logger = new Logger();
  #isWriting = false;
  #retry: NodeJS.Timeout | undefined;
  #hasWritten = true;
  #isClosed = false;

  constructor(
    @Inject(SERVICE_CONFIG) { redisUrl }: ServiceConfig,
    private readonly pending: PendingRevocations,
  ) {
    if (redisUrl === undefined) return;
    this.#redis = new Redis(redisUrl, {
      // The table is the queue: what Redis did not answer is sent again from there.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // Its user may revoke, and nothing else.
      enableReadyCheck: false,
      disableClientInfo: true,
      commandTimeout: COMMAND_TIMEOUT_MS,
      disconnectTimeout: 50,
      retryStrategy: (times) => Math.min(times * RECONNECT_STEP_MS, RECONNECT_MOST_MS),
    });
    this.#redis.on('error', (error) => this.#reportFailure(error));
    // Also those from before a restart of this service.
    this.#redis.on('ready', () => void this.#write());
  }

  /**
   * Returns when the revocations are kept; Redis gets them later. To be called in the transaction that ends the sessions:
   * both are kept, or neither.
   */
  publish({ userId, tokens, sessions }: Revoked): void {
    if (!this.#redis || tokens.length + sessions.length === 0) return;
    const sessionEnd = Math.floor(Date.now() / 1000) + SESSION_KEY_SECONDS;
    this.pending.keep(userId, [
      ...sessions.map(({ id }) => ({
        key: `blacklist:session:${id}`,
        expires_at: sessionEnd,
        is_session: true,
      })),
      ...tokens.map(({ jti, expires_at }) => ({
        key: `blacklist:${jti}`,
        expires_at: expires_at + CLOCK_TOLERANCE_SECONDS,
        is_session: false,
      })),
    ]);
    // Behind the transaction, which is synchronous.
    queueMicrotask(() => void this.#write());
  }

  onApplicationShutdown(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#redis?.disconnect();
  }

  async #write(): Promise<void> {
    const redis = this.#redis;
    if (redis?.status !== 'ready' || this.#isWriting || this.#isClosed) return;
    this.#isWriting = true;
    try {
      for (let batch = this.pending.first(BATCH); batch.length > 0; batch = this.pending.first(BATCH)) {
        await this.#writeBatch(redis, batch);
        if (this.#isClosed) return;
      }
    } catch (error) {
      this.#retryLater(redis, error as Error);
    } finally {
      this.#isWriting = false;
    }
  }

  /** @throws Error if Redis does not take one */
  async #writeBatch(redis: Redis, batch: readonly PendingRevocation[]): Promise<void> {
    const errors = await this.#send(redis, batch);
    if (this.#isClosed) return;
    this.pending.delete(batch.filter((_, index) => errors[index] === null));
    const refused = errors.find((error) => error !== null);
    if (refused) throw refused;
    if (!this.#hasWritten) this.#logger.log('revocations are written again', {});
    this.#hasWritten = true;
  }

  /** The error of each, or null. */
  async #send(redis: Redis, batch: readonly PendingRevocation[]): Promise<readonly (Error | null)[]> {
    const pipeline = redis.pipeline();
    const now = Math.floor(Date.now() / 1000);
    for (const { key, expires_at } of batch) {
      pipeline.set(key, 'revoked', 'EX', Math.max(1, expires_at - now));
    }
    const results = (await pipeline.exec())!;
    return results.map(([error]) => error);
  }

  #retryLater(redis: Redis, error: Error): void {
    if (this.#isClosed) return;
    this.#reportFailure(error);
    clearTimeout(this.#retry);
    // Once it is ready again, all is written. A connection that was lost comes back by itself.
    this.#retry = setTimeout(() => redis.status === 'ready' && redis.disconnect(true), RETRY_MS).unref();
  }

  /** Once for all that fail until one succeeds. */
  #reportFailure({ message }: Error): void {
    if (this.#hasWritten) this.#logger.warn(`redis does not take revocations: ${message}`);
    this.#hasWritten = false;
  }
}
