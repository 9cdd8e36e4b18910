import { HttpModule } from '../http/http.module.js';
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ObservabilityModule } from '../observability/observability.module.js';
import { LoadMonitor } from './load-monitor.js';
import { OverloadMetrics } from './overload-metrics.js';
import { OverloadHealth } from './overload.health.js';
import { ProcessMemory } from './process-memory.js';

@Module({
  imports: [HttpModule, ObservabilityModule, TerminusModule.forRoot({ logger: false })],
  providers: [LoadMonitor, OverloadHealth, OverloadMetrics, ProcessMemory],
  exports: [LoadMonitor, OverloadMetrics],
})
export class OverloadModule {}
