import { HttpModule } from '../http/http.module.js';
import { Module } from '@nestjs/common';
import { AccessLog } from './access-log.js';
import { DroppedLinesReport } from './dropped-lines.report.js';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';

/** Metrics and the access log. `logProviders` provides the output of log lines. */
@Module({
  imports: [HttpModule],
  controllers: [MetricsController],
  providers: [AccessLog, DroppedLinesReport, Metrics],
  exports: [AccessLog, Metrics],
})
export class ObservabilityModule {}
