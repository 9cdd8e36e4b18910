import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from '../health/readiness-check.js';
import { LoadMonitor } from './load-monitor.js';

/** Shows saturated resources. The gateway stays ready: if all gateways became unready at once, none would serve. */
@ReadinessCheck()
export class OverloadHealth implements ReadinessIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly monitor: LoadMonitor,
  ) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('load');
    const { saturatedResources } = this.monitor;
    return saturatedResources.length === 0
      ? indicator.up()
      : indicator.degraded(`overload: ${saturatedResources.join(', ')}`);
  }
}
