import type { RateLimit } from '@app/proxy';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { RedisSlowError } from '../redis/redis-failure-kind.js';
import { RedisConnection } from '../redis/redis.connection.js';
import { MemoryCounts } from './memory-counts.js';

const WINDOW_SECONDS = 60;

/** Most keys in memory, about 200 bytes each. */
const MOST_KEYS = 100_000;

/** Whether a limit lets a request pass, and the state of its window. */
export interface RateLimitResult {
  readonly passes: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until the window ends. */
  readonly msBeforeNext: number;
}

/**
 * Counts requests in Redis, where all gateways share the count: one command for a request, and none for a key that has
 * used up its limit. While Redis is degraded, each process counts in memory, against its share of the limit. Afterwards
 * it adds these counts to Redis.
 */
@Injectable()
export class RateLimiter {
  private readonly local = new MemoryCounts(WINDOW_SECONDS * 1000, MOST_KEYS);
  /** `performance.now()` until when a key has used up its limit. */
  private readonly blocked = new LRUCache<string, number>({ maxSize: MOST_KEYS, sizeCalculation: () => 1 });

  /** Counts the keys of all limits. It refuses none: each limit has a number of its own. */
  private readonly shared: RateLimiterRedis;

  constructor(private readonly redis: RedisConnection) {
    this.shared = new RateLimiterRedis({
      storeClient: redis.client,
      keyPrefix: 'gateway:ratelimit',
      points: Number.MAX_SAFE_INTEGER,
      duration: WINDOW_SECONDS,
    });
  }

  /** Counts a request. @param who a user or a client's network */
  consume(limit: RateLimit, who: string): RateLimitResult | Promise<RateLimitResult> {
    const key = `${limit.name}:${who}`;
    const blockedUntil = this.blocked.get(key);
    if (blockedUntil !== undefined) {
      const msBeforeNext = blockedUntil - performance.now();
      if (msBeforeNext > 0) return { passes: false, limit: limit.perMinute, remaining: 0, msBeforeNext };
      this.blocked.delete(key);
    }
    return this.redis.isUp ? this.consumeShared(limit, key) : this.consumeLocally(limit, key, 1);
  }

  private async consumeShared(limit: RateLimit, key: string): Promise<RateLimitResult> {
    const { perMinute } = limit;
    const points = 1 + this.local.remove(key);
    try {
      const { consumedPoints, msBeforeNext } = await this.redis.run(() => this.shared.consume(key, points));
      const passes = consumedPoints <= perMinute;
      if (!passes) this.blocked.set(key, performance.now() + msBeforeNext);
      return { passes, limit: perMinute, remaining: Math.max(0, perMinute - consumedPoints), msBeforeNext };
    } catch (error) {
      // A slow Redis may have counted the points although its response came too late: it does not get them again.
      const unshared = error instanceof RedisSlowError ? 0 : points;
      return this.consumeLocally(limit, key, points, unshared);
    }
  }

  private consumeLocally(
    { localPerMinute: limit }: RateLimit,
    key: string,
    points: number,
    unshared = points,
  ): RateLimitResult {
    const { consumed, msBeforeNext } = this.local.add(key, points, unshared);
    return { passes: consumed <= limit, limit, remaining: Math.max(0, limit - consumed), msBeforeNext };
  }
}
