import { RateLimitedException } from '../http/exceptions.js';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import {
  networkOf,
  RouteTableConfigurationError,
  UpstreamRegistry,
  type Exchange,
  type Gate,
  type RateLimit,
  type RouteOptions,
} from '@app/proxy/internal';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { RateLimiter, type RateLimitResult } from '../limits/rate-limiter.js';

/** The limit of routes that name none, and of requests without a route. */
const DEFAULT_NAME = 'DEFAULT';
const DEFAULT_PER_MINUTE = 100;

/** Limits requests per minute and named limit, by user, or by client network if unauthenticated. */
@Injectable()
export class RateLimitGate implements Gate, OnApplicationBootstrap {
  private readonly limitsByName = new Map<string, RateLimit>();
  private defaultLimit!: RateLimit;

  constructor(
    @Inject(SETTINGS) private readonly config: Settings,
    private readonly moduleRef: ModuleRef,
    private readonly limiter: RateLimiter,
  ) {}

  /**
   * @throws RouteTableConfigurationError if a limit's name is not in capitals, two routes give one limit different numbers, or a
   * `RATELIMIT_<NAME>` variable names no limit
   */
  onApplicationBootstrap(): void {
    const { perMinute } = this.config.rateLimit;
    this.defaultLimit = this.limitFor({ name: DEFAULT_NAME, perMinute: DEFAULT_PER_MINUTE });
    const declared = new Map<string, number>([[DEFAULT_NAME, DEFAULT_PER_MINUTE]]);
    for (const route of this.moduleRef.get(UpstreamRegistry, { strict: false }).routes) {
      const { limit } = route.options;
      if (!limit) continue;
      const declaredPerMinute = declared.get(limit.name) ?? limit.perMinute;
      if (declaredPerMinute !== limit.perMinute || !/^[A-Z][A-Z0-9_]*$/.test(limit.name)) {
        throw new RouteTableConfigurationError(
          `${route.options.path} (${route.upstream ?? 'a controller'}): the limit ${limit.name} is not in capitals, or has different numbers on two routes`,
        );
      }
      declared.set(limit.name, limit.perMinute);
      route.limit = this.limitFor(limit);
    }
    for (const name of perMinute.keys()) {
      if (!declared.has(name))
        throw new RouteTableConfigurationError(`RATELIMIT_${name} is set, and no route has that limit`);
    }
  }

  check(exchange: Exchange): void | Promise<void> {
    const limit = this.limitOf(exchange);
    if (!limit) return;
    const result = this.limiter.consume(limit, ownerOf(exchange));
    if (result instanceof Promise) return result.then((resolved) => applyResult(exchange, resolved));
    applyResult(exchange, result);
  }

  /** The limit that counts an exchange; undefined if none does. */
  limitOf({ route }: Exchange): RateLimit | undefined {
    if (!this.config.rateLimit.isOn || route?.isMonitoring) return undefined;
    return route?.limit ?? this.defaultLimit;
  }

  private limitFor({ name, perMinute }: NonNullable<RouteOptions['limit']>): RateLimit {
    let limit = this.limitsByName.get(name);
    if (!limit) {
      const { rateLimit } = this.config;
      const most = rateLimit.perMinute.get(name) ?? perMinute;
      limit = { name, perMinute: most, localPerMinute: Math.max(1, Math.floor(most / rateLimit.replicas)) };
      this.limitsByName.set(name, limit);
    }
    return limit;
  }
}

/** Whose requests count together: those of a user, or of a client's network if the user is not known. */
export function ownerOf({ principal, clientAddress }: Exchange): string {
  const user = principal?.userId;
  return user === undefined ? `address:${networkOf(clientAddress)}` : `user:${user}`;
}

/** @throws RateLimitedException */
function applyResult(
  { responseHeaders }: Exchange,
  { passes, limit, remaining, msBeforeNext }: RateLimitResult,
): void {
  const resetAt = Math.ceil((Date.now() + msBeforeNext) / 1000);
  responseHeaders.push(
    'X-RateLimit-Limit',
    String(limit),
    'X-RateLimit-Remaining',
    String(remaining),
    'X-RateLimit-Reset',
    String(resetAt),
  );
  if (!passes) throw new RateLimitedException(limit, resetAt, Math.max(1, Math.ceil(msBeforeNext / 1000)));
}
