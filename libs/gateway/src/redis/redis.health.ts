import { RevocationStore } from '@app/auth/internal';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from '../health/readiness-check.js';
import { RedisConnection } from './redis.connection.js';

const OVERFLOW = 'more revocations than memory may hold';

/** Shows why Redis is degraded, and whether each request looks its revocation up. Shows nothing if nobody uses Redis. */
@ReadinessCheck()
export class RedisHealth implements ReadinessIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly redis: RedisConnection,
    private readonly revocations: RevocationStore,
  ) {}

  check(): HealthIndicatorResult {
    if (!this.redis.isUsed) return {};
    const indicator = this.indicators.check('redis');
    const { failureKind } = this.redis;
    if (failureKind !== undefined) return indicator.degraded(failureKind);
    const { state, usesLookups } = this.revocations;
    const details = { revocation: usesLookups ? 'asked for each request' : 'in memory' };
    // `loading` ends by itself, and an operator may choose `unnotified` by the rights of the Redis user.
    return state === 'overflow'
      ? indicator.degraded({ ...details, message: OVERFLOW })
      : indicator.up(details);
  }
}
