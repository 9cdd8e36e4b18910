import { HttpModule } from '../http/http.module.js';
import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { ObservabilityModule } from '../observability/observability.module.js';
import { DrainHealth } from './drain.health.js';
import { DrainMetrics } from './drain-metrics.js';
import { DrainService } from './drain.service.js';
import { IdleMetrics } from './idle-metrics.js';
import { SessionResponses } from './session-responses.js';
import { StreamDrain } from './stream-drain.js';

@Module({
  imports: [HttpModule, ObservabilityModule, TerminusModule.forRoot({ logger: false }), DiscoveryModule],
  providers: [DrainHealth, DrainMetrics, DrainService, IdleMetrics, SessionResponses, StreamDrain],
  exports: [DrainService],
})
export class LifecycleModule {}
