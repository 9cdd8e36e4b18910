import { Global, Module } from '@nestjs/common';
import { DrainMetrics } from './drain-metrics.js';
import { DrainService } from './drain.service.js';
import { HalfClosedConnections } from './half-closed-connections.js';
import { StalledResponses } from './stalled-responses.js';
import { OpenExchanges } from './open-exchanges.js';

@Global()
@Module({
  providers: [DrainMetrics, DrainService, HalfClosedConnections, OpenExchanges, StalledResponses],
  exports: [DrainService, OpenExchanges],
})
export class LifecycleModule {}
