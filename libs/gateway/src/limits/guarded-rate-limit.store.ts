import { isPromiseLike, PartResultError, withTimeout } from '@app/proxy/internal';
import { Logger } from '@nestjs/common';
import { RateLimitStore, type RateLimitCount } from './rate-limit.store.js';

/** Milliseconds between two requests that ask a degraded store. */
const RETRY_MS = 1_000;

/** Milliseconds by which a window may seem too long: a sum of floating-point numbers, or another machine's clock. */
const ROUNDING_MS = 1_000;

/**
 * A team's store, held to its contract. After a failure it is down, and one request a second asks it again, until one succeeds.
 */
export class GuardedRateLimitStore extends RateLimitStore {
  private readonly logger = new Logger('RateLimitStore');
  /** `performance.now()` when it became degraded; undefined while it is not. */
  private degradedSince: number | undefined;
  /** `performance.now()` from which a degraded store is asked again. */
  private retryAt = 0;

  /** @param timeoutMs milliseconds that a request waits for the store */
  constructor(
    private readonly store: RateLimitStore,
    private readonly timeoutMs: number,
  ) {
    super();
  }

  override get isUp(): boolean {
    if (this.degradedSince !== undefined && performance.now() < this.retryAt) return false;
    try {
      // Any object may be a store: one that does not say so is up.
      return this.store.isUp ?? true;
    } catch (error) {
      this.degrade(error);
      return false;
    }
  }

  async consume(key: string, points: number, windowMs: number): Promise<RateLimitCount> {
    // Others count in memory while this request finds out whether the store is back.
    this.retryAt = performance.now() + RETRY_MS;
    try {
      const result: unknown = this.store.consume(key, points, windowMs);
      const count = isPromiseLike(result) ? await withTimeout(this.timeoutMs, result, 'the store') : result;
      checkCount(count, points, windowMs);
      this.recover();
      return count;
    } catch (error) {
      this.degrade(error);
      throw error;
    }
  }

  private degrade(err: unknown): void {
    this.retryAt = performance.now() + RETRY_MS;
    if (this.degradedSince !== undefined) return;
    this.degradedSince = performance.now();
    this.logger.warn({ message: 'rate limit store degraded: limits go on from memory', err });
  }

  private recover(): void {
    if (this.degradedSince === undefined) return;
    const awayMs = Math.round(performance.now() - this.degradedSince);
    this.degradedSince = undefined;
    this.logger.log({ message: 'rate limit store is back', away_ms: awayMs });
  }
}

/** @throws PartResultError */
function checkCount(result: unknown, points: number, windowMs: number): asserts result is RateLimitCount {
  const { consumedPoints, msBeforeNext } = (result ?? {}) as Record<keyof RateLimitCount, unknown>;
  if (!isNumberBetween(consumedPoints, points, Number.MAX_SAFE_INTEGER)) {
    throw new PartResultError(`consumedPoints is no number of points, ${points} or more`);
  }
  if (!isNumberBetween(msBeforeNext, 0, windowMs + ROUNDING_MS)) {
    throw new PartResultError(`msBeforeNext is no number of milliseconds, 0 to ${windowMs}`);
  }
}

function isNumberBetween(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most;
}
