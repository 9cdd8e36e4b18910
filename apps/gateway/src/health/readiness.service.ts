import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { HealthCheckService, type HealthCheckResult, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheckMetadata, type ReadinessIndicator } from './readiness-check.js';

/** Asks every `@ReadinessCheck()` of the application. */
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

  /** @throws ServiceUnavailableException where the gateway cannot serve */
  check(): Promise<HealthCheckResult> {
    return this.health.check(this.indicators.map((indicator) => () => answerOf(indicator)));
  }
}

/** A check that throws is down: what it threw may name hosts, and health is read by strangers. */
async function answerOf(indicator: ReadinessIndicator): Promise<HealthIndicatorResult> {
  try {
    return await indicator.check();
  } catch {
    return { [indicator.constructor.name]: { status: 'down', message: 'check failed' } };
  }
}
