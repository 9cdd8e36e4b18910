import { UpstreamRegistry, type UpstreamProxy } from '@app/proxy';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from './readiness-check.js';

/** Tells of each service what is known of its instances; one that is not all well degrades the gateway, which serves on. */
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
    const well = instances.all.filter(({ health }) => health.isHealthy).length;
    const details = { instances: `${well} of ${instances.all.length}`, circuit: breaker.state };
    const isWhole = well > 0 && well === instances.all.length && breaker.state === 'closed';
    return isWhole ? indicator.up(details) : indicator.degraded(details);
  }
}
