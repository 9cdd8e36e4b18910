import { Global, Module } from '@nestjs/common';
import { DrainMetrics } from './drain-metrics.js';
import { DrainService } from './drain.service.js';
import { HalfClosedConnections } from './half-closed-connections.js';
import { IdleConnections } from './idle-connections.js';
import { IdleMetrics } from './idle-metrics.js';
import { SessionResponses } from './session-responses.js';
import { StalledResponses } from './stalled-responses.js';
import { OpenExchanges } from './open-exchanges.js';

@Global()
@Module({
  providers: [
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
