import { RevocationStore } from '@app/auth';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from '../health/readiness-check.js';
import { RedisConnection } from './redis.connection.js';

const OVERFLOW = 'more revocations than memory may hold';

/** Says whether Redis is bypassed and why, and whether revocation costs it a command for each request. */
@ReadinessCheck()
export class RedisHealth implements ReadinessIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly redis: RedisConnection,
    private readonly revocations: RevocationStore,
  ) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('redis');
    const { fault } = this.redis;
    if (fault !== undefined) return indicator.degraded(fault);
    const { state } = this.revocations;
    if (state === 'complete') return indicator.up({ revocation: 'in memory' });
    const details = { revocation: 'asked for each request' };
    // The others pass, or are what the operator wants.
    return state === 'overflow'
      ? indicator.degraded({ ...details, message: OVERFLOW })
      : indicator.up(details);
  }
}
