import { UpstreamRegistry, type UpstreamProxy } from '@app/proxy';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from './readiness-check.js';

/** Milliseconds that a service has to answer. */
const PROBE_TIMEOUT_MS = 1_000;

/** Milliseconds that an answer is taken for the present, so that readers of health cannot load the services. */
const PROBE_CACHE_MS = 2_000;

/** Asks the instances of each service; one that is not all well degrades the gateway, which serves all the others. */
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
    const { all, up } = upstream.instances;
    const details = { instances: `${up} of ${all.length}`, circuit: upstream.breaker.state };
    const result = await indicator.attempt(() => probe(upstream)).cacheFor(PROBE_CACHE_MS);
    if (result[upstream.name]!.status !== 'up')
      return indicator.degraded({ message: 'does not answer', ...details });
    const isWhole = all.every(({ health }) => health.isWell) && upstream.breaker.state === 'closed';
    return isWhole ? indicator.up(details) : indicator.degraded(details);
  }
}

/** @throws Error where no instance is well */
async function probe({ instances, healthPath }: UpstreamProxy): Promise<void> {
  const answers = await Promise.all(
    instances.all.map((instance) => instance.answers(healthPath, PROBE_TIMEOUT_MS)),
  );
  if (!answers.includes(true)) throw new Error('no instance answers');
}
