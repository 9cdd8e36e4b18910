import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessService } from './readiness.service.js';

/**
 * The readiness of the gateway for a team's own controller of `@nestjs/terminus`:
 *
 * ```ts
 * @HealthCheck()
 * @Get('status')
 * read() { return this.health.check([() => this.gateway.isHealthy()]); }
 * ```
 *
 * Its checks are those of `/health/ready`: upstreams, Redis, overload, the drain, and every `@ReadinessCheck()`. None of these
 * may ask this class, which would ask them again.
 */
@Injectable()
export class GatewayHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: ReadinessService,
  ) {}

  /**
   * `up`; `degraded` if the gateway serves with a part away; `down` if it drains, or a check is down. `checks` has the result
   * of each check. Never rejects.
   *
   * @param key the name of the result. Default: `gateway`
   */
  async isHealthy<const Key extends string = 'gateway'>(
    key: Key = 'gateway' as Key,
  ): Promise<HealthIndicatorResult<Key>> {
    const { status, details } = await this.readiness.check();
    const indicator = this.indicators.check(key);
    const checks = { checks: details };
    if (status === 'ok') return indicator.up(checks);
    return status === 'degraded' ? indicator.degraded(checks) : indicator.down(checks);
  }
}
