import { HalfClosedConnections, IdleConnections, OpenExchanges, StalledResponses } from '@app/gateway';
import { Global, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DrainHealth } from './drain.health.js';
import { DrainMetrics } from './drain-metrics.js';
import { DrainService } from './drain.service.js';
import { IdleMetrics } from './idle-metrics.js';
import { SessionResponses } from './session-responses.js';

@Global()
@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  providers: [
    DrainHealth,
    DrainMetrics,
    DrainService,
    HalfClosedConnections,
    IdleConnections,
    IdleMetrics,
    OpenExchanges,
    SessionResponses,
    StalledResponses,
  ],
  exports: [DrainService, OpenExchanges],
})
export class LifecycleModule {}
