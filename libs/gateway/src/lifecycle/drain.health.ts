import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { DrainService } from './drain.service.js';
import { ReadinessCheck, type ReadinessIndicator } from '../health/readiness-check.js';

/** Fails the readiness check from the signal on, while the gateway still serves requests. */
@ReadinessCheck()
export class DrainHealth implements ReadinessIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly drain: DrainService,
  ) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('gateway');
    return this.drain.isDraining ? indicator.down('draining') : indicator.up();
  }
}
