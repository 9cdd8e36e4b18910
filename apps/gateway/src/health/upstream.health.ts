import { UpstreamRegistry, type UpstreamProxy } from '@app/proxy';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from './readiness-check.js';

/** Milliseconds that a service has to answer. */
const PROBE_TIMEOUT_MS = 1_000;

/** Milliseconds that an answer is taken for the present, so that readers of health cannot load the services. */
const PROBE_CACHE_MS = 2_000;

/** Asks one instance of each service; a service that is down degrades the gateway, which serves all the others. */
@ReadinessCheck()
export class UpstreamHealth implements ReadinessIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly registry: UpstreamRegistry,
  ) {}

  async check(): Promise<HealthIndicatorResult> {
    const results = await Promise.all(this.registry.upstreams.map((upstream) => this.checkOne(upstream)));
    return Object.assign({}, ...results) as HealthIndicatorResult;
  }

  private async checkOne(upstream: UpstreamProxy): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(upstream.name);
    const result = await indicator.attempt(() => probe(upstream)).cacheFor(PROBE_CACHE_MS);
    return result[upstream.name]!.status === 'up' ? indicator.up() : indicator.degraded('does not answer');
  }
}

/** @throws AggregateError where no instance is well */
async function probe({ instances, healthPath }: UpstreamProxy): Promise<void> {
  await Promise.any(
    instances.map(async (instance) => {
      const status = await instance.probe(healthPath, PROBE_TIMEOUT_MS);
      if (status >= 500) throw new Error(`${instance.origin} answers ${status}`);
    }),
  );
}
