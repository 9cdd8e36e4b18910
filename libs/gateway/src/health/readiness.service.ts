import { Injectable, ServiceUnavailableException, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { HealthCheckService, type HealthCheckResult, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheckMetadata, type ReadinessIndicator } from './readiness-check.js';

/** Runs every `@ReadinessCheck()` of the application. */
@Injectable()
export class ReadinessService implements OnModuleInit {
  private readonly indicators: ReadinessIndicator[] = [];

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly health: HealthCheckService,
  ) {}

  onModuleInit(): void {
    for (const { instance } of this.discovery.getProviders({ metadataKey: ReadinessCheckMetadata.KEY })) {
      this.indicators.push(instance as ReadinessIndicator);
    }
  }

  /** The gateway is ready if the status is `ok` or `degraded`, and unready if it is `error` or `shutting_down`. */
  async check(): Promise<HealthCheckResult> {
    try {
      return await this.health.check(this.indicators.map((indicator) => () => checkSafely(indicator)));
    } catch (error) {
      if (error instanceof ServiceUnavailableException) return error.getResponse() as HealthCheckResult;
      throw error;
    }
  }
}

/** Result of a check; `down` if it throws. Its error is left out: it may name hosts, and anyone can read the result. */
async function checkSafely(indicator: ReadinessIndicator): Promise<HealthIndicatorResult> {
  try {
    return await indicator.check();
  } catch {
    return { [indicator.constructor.name]: { status: 'down', message: 'check failed' } };
  }
}
