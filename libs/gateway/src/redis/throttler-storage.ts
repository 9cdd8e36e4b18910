import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { LateResponseError } from '@app/proxy/internal';
import { RedisConnection } from './redis.connection.js';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { ThrottlerCounts, type ThrottlerCount, type ThrottlerRule } from '../limits/throttler-counts.js';

const PREFIX = 'gateway:throttler';

/** The count of a blocked key. No count of hits gets there. */
const BLOCKED = 2 ** 50;

/** The longest window and block, in milliseconds; Redis refuses longer ones. */
const MOST_MS = 2 ** 42;

/**
 * Counts hits in a key that lives as long as their window, or as the block. Uses the commands that `configs/redis/users.acl`
 * grants.
 *
 * Arguments: milliseconds of the window, limit, milliseconds of the block, hits. Returns the hits, the milliseconds until the
 * key ends, and 1 if it is blocked.
 */
const SCRIPT = `
local limit, block = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('set', KEYS[1], '0', 'PX', ARGV[1], 'NX')
local count = redis.call('incrby', KEYS[1], ARGV[4])
if count >= ${BLOCKED} then return {limit + 1, redis.call('pttl', KEYS[1]), 1} end
if count > limit and block > 0 then
  redis.call('set', KEYS[1], '${BLOCKED}', 'PX', ARGV[3])
  return {count, block, 1}
end
return {count, redis.call('pttl', KEYS[1]), count > limit and 1 or 0}
`;

/** The command by which ioredis sends the script: its digest, and its text if Redis does not have it yet. */
type Counting = (
  key: string,
  ttlMs: number,
  limit: number,
  blockMs: number,
  hits: number,
) => Promise<[hits: number, msLeft: number, isBlocked: 0 | 1]>;

/** What `@nestjs/throttler` is told of a key; times are in whole seconds. */
export interface GatewayThrottlerRecord {
  readonly totalHits: number;
  readonly timeToExpire: number;
  readonly isBlocked: boolean;
  /** 0 if the key is not blocked. */
  readonly timeToBlockExpire: number;
}

/**
 * The gateway's Redis as the storage of `@nestjs/throttler` (6 or newer), for the limits of a team's own controllers:
 *
 * ```ts
 * GatewayModule.forRoot({ isGlobal: true }),
 * ThrottlerModule.forRootAsync({
 *   inject: [GatewayThrottlerStorage],
 *   useFactory: (storage: GatewayThrottlerStorage) => ({ throttlers: [{ ttl: 60_000, limit: 10 }], storage }),
 * })
 * ```
 *
 * All gateways share the counts: one command of Redis for a hit. A window begins with its first hit. The hit past the limit
 * blocks the key for `blockDuration`; hits during the block are refused and not counted. With a `blockDuration` of 0 the key is
 * refused until its window ends.
 *
 * While Redis is degraded, each process counts in memory, against its share of the limit (`GATEWAY_REPLICAS`), and adds
 * its hits to Redis afterwards. It never rejects because of Redis. `RATELIMIT=off` does not turn it off.
 */
@Injectable()
export class GatewayThrottlerStorage {
  private readonly local = new ThrottlerCounts();
  private readonly count: Counting;
  private readonly replicas: number;

  constructor(
    private readonly redis: RedisConnection,
    @Inject(SETTINGS) { rateLimit }: Settings,
  ) {
    this.replicas = rateLimit.replicas;
    this.count = countingOn(redis.client);
  }

  /**
   * Counts one hit; the `increment` of `ThrottlerStorage`.
   *
   * @param ttl milliseconds of the window
   * @param limit most hits in a window
   * @param blockDuration milliseconds of the block, or 0
   */
  async increment(
    key: string,
    ttl: number,
    limit: number,
    blockDuration: number,
    throttlerName: string,
  ): Promise<GatewayThrottlerRecord> {
    const rule = { ttlMs: Math.max(1, wholeMs(ttl)), limit, blockMs: Math.max(0, wholeMs(blockDuration)) };
    const name = `${PREFIX}:${throttlerName}:${key}`;
    return toRecord(this.redis.isUp ? await this.countShared(name, rule) : this.countLocally(name, rule, 1));
  }

  private async countShared(key: string, rule: ThrottlerRule): Promise<ThrottlerCount> {
    const hits = 1 + this.local.remove(key);
    try {
      const [counted, msLeft, isBlocked] = await this.redis.run(() =>
        this.count(key, rule.ttlMs, rule.limit, rule.blockMs, hits),
      );
      return { hits: counted, msLeft, isBlocked: isBlocked === 1 };
    } catch (error) {
      // A slow Redis may have counted the hits although its response came too late: it does not get them again.
      return this.countLocally(key, rule, hits, error instanceof LateResponseError ? 0 : hits);
    }
  }

  private countLocally(key: string, rule: ThrottlerRule, hits: number, unshared = hits): ThrottlerCount {
    const limit = Math.max(1, Math.floor(rule.limit / this.replicas));
    return this.local.add(key, { ...rule, limit }, hits, unshared);
  }
}

function countingOn(client: Redis): Counting {
  client.defineCommand('gatewayThrottle', { numberOfKeys: 1, lua: SCRIPT });
  const { gatewayThrottle } = client as Redis & { gatewayThrottle: Counting };
  return gatewayThrottle.bind(client);
}

function wholeMs(ms: number): number {
  return Math.min(MOST_MS, Math.ceil(ms));
}

function toRecord({ hits, msLeft, isBlocked }: ThrottlerCount): GatewayThrottlerRecord {
  // Rounded first: what is left of 60,000 ms may be 60,000.000000001.
  const seconds = Math.ceil(Math.round(msLeft) / 1000);
  return {
    totalHits: hits,
    timeToExpire: seconds,
    isBlocked,
    timeToBlockExpire: isBlocked ? seconds : 0,
  };
}
