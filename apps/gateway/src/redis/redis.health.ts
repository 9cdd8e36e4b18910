import { RevocationStore } from '@app/auth';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from '../health/readiness-check.js';
import { RedisConnection } from './redis.connection.js';

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
    return indicator.up({ revocation: this.revocations.isComplete ? 'in memory' : 'asked for each request' });
  }
}
