import { UpstreamRegistry, type UpstreamProxy } from '@app/proxy/internal';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from './readiness-check.js';

/** Shows instances and circuit breaker of each upstream. One bad instance degrades the gateway, which stays ready. */
@ReadinessCheck()
export class UpstreamHealth implements ReadinessIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly registry: UpstreamRegistry,
  ) {}

  check(): HealthIndicatorResult {
    return Object.assign({}, ...this.registry.upstreams.map((upstream) => this.checkOne(upstream)));
  }

  private checkOne({ name, instances, breaker }: UpstreamProxy): HealthIndicatorResult {
    const indicator = this.indicators.check(name);
    const healthy = instances.all.filter(({ health }) => health.isHealthy).length;
    const details = { instances: `${healthy} of ${instances.all.length}`, circuit: breaker.state };
    const isUp = healthy > 0 && healthy === instances.all.length && breaker.state === 'closed';
    return isUp ? indicator.up(details) : indicator.degraded(details);
  }
}
