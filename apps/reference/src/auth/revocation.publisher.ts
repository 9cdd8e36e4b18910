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

/** The revocations of one event. */
export interface Revoked {
  /** The user of the tokens and sessions. */
  readonly userId: string;
  readonly tokens: readonly RevokedToken[];
  readonly sessions: readonly RevokedSession[];
}

/**
 * Seconds that the key of an ended session lives. All its access tokens expire before, even if clocks differ, and a gateway
 * that was without Redis for less learns of every ended session.
 */
const SESSION_KEY_SECONDS = 3_600;

/** Seconds that the key of a revoked token outlives the token: the clock of a gateway may be behind by this much. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** Keys in one round trip. */
const BATCH = 500;

/** Milliseconds until the next attempt, after Redis refused a key or did not respond. */
const RETRY_MS = 1_000;

/** Milliseconds that Redis has for a response. */
const COMMAND_TIMEOUT_MS = 1_000;

/** Milliseconds between two attempts to connect. The delay grows by the first value, up to the second. */
const RECONNECT_STEP_MS = 50;
const RECONNECT_MOST_MS = 1_000;

/**
 * Tells the gateways which access tokens and sessions are revoked, each by a key in Redis. The key of a token lives until
 * the token expires, and the key of a session for an hour, since sockets outlive the tokens that opened them. A key that
 * Redis refuses (away, full, read-only) is tried again each second until it is written or the token expires, over a new
 * connection, for which the name is resolved again. Without REDIS_URL only this service refuses revoked tokens.
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
      // The table is the queue: keys without a response are sent again from there.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // The user of this connection may only write revocations.
      enableReadyCheck: false,
      disableClientInfo: true,
      commandTimeout: COMMAND_TIMEOUT_MS,
      disconnectTimeout: 50,
      retryStrategy: (times) => Math.min(times * RECONNECT_STEP_MS, RECONNECT_MOST_MS),
    });
    this.#redis.on('error', (error) => this.#reportFailure(error));
    // Includes revocations from before a restart.
    this.#redis.on('ready', () => void this.#write());
  }

  /**
   * Stores the revocations, and sends them to Redis later. To be called in the transaction that ends the sessions, so that
   * either both are stored or neither.
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
    // After the transaction, which is synchronous.
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

  /** @throws Error if Redis refuses a key */
  async #writeBatch(redis: Redis, batch: readonly PendingRevocation[]): Promise<void> {
    const errors = await this.#send(redis, batch);
    if (this.#isClosed) return;
    this.pending.delete(batch.filter((_, index) => errors[index] === null));
    const refused = errors.find((error) => error !== null);
    if (refused) throw refused;
    if (!this.#hasWritten) this.#logger.log('revocations are written again', {});
    this.#hasWritten = true;
  }

  /** The error of each command, or null. */
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
    // On `ready` all is written. A lost connection reconnects by itself.
    this.#retry = setTimeout(() => redis.status === 'ready' && redis.disconnect(true), RETRY_MS).unref();
  }

  /** Logs the first failure since the last success. */
  #reportFailure({ message }: Error): void {
    if (this.#hasWritten) this.#logger.warn(`redis does not take revocations: ${message}`);
    this.#hasWritten = false;
  }
}
