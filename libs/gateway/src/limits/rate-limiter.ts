import type { RateLimit } from '@app/proxy';
import { LateResponseError, partInUse } from '@app/proxy/internal';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { LRUCache } from 'lru-cache';
import { GuardedRateLimitStore } from './guarded-rate-limit.store.js';
import { MemoryCounts } from './memory-counts.js';
import { RateLimitStore } from './rate-limit.store.js';

const WINDOW_MS = 60_000;

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
 * Counts requests in the store that all gateways share: one call for a request, and none for a key that has used up its limit.
 * While the store is degraded, each process counts in memory, against its share of the limit. Afterwards it adds these counts to
 * the store.
 */
@Injectable()
export class RateLimiter implements OnModuleInit {
  private readonly local = new MemoryCounts(WINDOW_MS, MOST_KEYS);
  /** `performance.now()` until when a key has used up its limit. */
  private readonly blocked = new LRUCache<string, number>({ maxSize: MOST_KEYS, sizeCalculation: () => 1 });

  constructor(
    private store: RateLimitStore,
    private readonly discovery: DiscoveryService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @throws PartConfigurationError */
  onModuleInit(): void {
    const store = partInUse(this.discovery, RateLimitStore, this.store, ['consume']);
    if (store !== this.store) {
      this.store = new GuardedRateLimitStore(store, this.settings.redis.commandTimeoutMs);
    }
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
    return this.store.isUp ? this.consumeShared(limit, key) : this.consumeLocally(limit, key, 1);
  }

  private async consumeShared(limit: RateLimit, key: string): Promise<RateLimitResult> {
    const { perMinute } = limit;
    const points = 1 + this.local.remove(key);
    try {
      const { consumedPoints, msBeforeNext } = await this.store.consume(key, points, WINDOW_MS);
      const passes = consumedPoints <= perMinute;
      if (!passes) this.blocked.set(key, performance.now() + msBeforeNext);
      return { passes, limit: perMinute, remaining: Math.max(0, perMinute - consumedPoints), msBeforeNext };
    } catch (error) {
      // A slow store may have counted the points although its response came too late: it does not get them again.
      const unshared = error instanceof LateResponseError ? 0 : points;
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
