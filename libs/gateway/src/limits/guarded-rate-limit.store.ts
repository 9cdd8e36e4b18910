import { isPromiseLike, PartHealth, PartResultError, withTimeout } from '@app/proxy/internal';
import { Logger } from '@nestjs/common';
import { RateLimitStore, type RateLimitCount } from './rate-limit.store.js';

/** Milliseconds by which a window may seem too long: a sum of floating-point numbers, or another machine's clock. */
const ROUNDING_MS = 1_000;

/**
 * A team's store, held to its contract. After a failure it is down, and one request a second asks it again, until one succeeds.
 */
export class GuardedRateLimitStore extends RateLimitStore {
  private readonly health = new PartHealth(new Logger('RateLimitStore'), {
    degraded: 'rate limit store degraded: limits go on from memory',
    recovered: 'rate limit store is back',
  });

  /** @param timeoutMs milliseconds that a request waits for the store */
  constructor(
    private readonly store: RateLimitStore,
    private readonly timeoutMs: number,
  ) {
    super();
  }

  override get isUp(): boolean {
    if (!this.health.mayAsk) return false;
    try {
      // Any object may be a store: one that does not say so is up.
      return this.store.isUp ?? true;
    } catch (error) {
      this.health.failed(error);
      return false;
    }
  }

  consume(key: string, points: number, windowMs: number): Promise<RateLimitCount> {
    return this.health.run(async () => {
      const result: unknown = this.store.consume(key, points, windowMs);
      const count = isPromiseLike(result) ? await withTimeout(this.timeoutMs, result, 'the store') : result;
      return checkedCount(count, points, windowMs);
    });
  }
}

/** @throws PartResultError */
function checkedCount(result: unknown, points: number, windowMs: number): RateLimitCount {
  const { consumedPoints, msBeforeNext } = (result ?? {}) as Record<keyof RateLimitCount, unknown>;
  if (!isNumberBetween(consumedPoints, points, Number.MAX_SAFE_INTEGER)) {
    throw new PartResultError(`consumedPoints is no number of points, ${points} or more`);
  }
  if (!isNumberBetween(msBeforeNext, 0, windowMs + ROUNDING_MS)) {
    throw new PartResultError(`msBeforeNext is no number of milliseconds, 0 to ${windowMs}`);
  }
  return { consumedPoints, msBeforeNext };
}

function isNumberBetween(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most;
}
