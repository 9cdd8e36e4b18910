import { Injectable } from '@nestjs/common';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { RateLimitStore, type RateLimitCount } from '../limits/rate-limit.store.js';
import { RedisConnection } from './redis.connection.js';

/** Of the first calls. */
const WINDOW_SECONDS = 60;

/** The gateway's own store: counts in Redis, one command for a call. It is up while Redis is. */
@Injectable()
export class RedisRateLimitStore extends RateLimitStore {
  /** Counts the keys of all limits. It refuses none: each limit has a number of its own. */
  private readonly limiter: RateLimiterRedis;
  private window = { customDuration: WINDOW_SECONDS };

  constructor(private readonly redis: RedisConnection) {
    super();
    this.limiter = new RateLimiterRedis({
      storeClient: redis.client,
      keyPrefix: 'gateway:ratelimit',
      points: Number.MAX_SAFE_INTEGER,
      duration: WINDOW_SECONDS,
    });
  }

  override get isUp(): boolean {
    return this.redis.isUp;
  }

  consume(key: string, points: number, windowMs: number): Promise<RateLimitCount> {
    if (this.window.customDuration !== windowMs / 1000) this.window = { customDuration: windowMs / 1000 };
    return this.redis.run(() => this.limiter.consume(key, points, this.window));
  }
}
