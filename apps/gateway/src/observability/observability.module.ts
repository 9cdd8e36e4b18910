import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { DestinationStream, Logger } from 'pino';
import { AccessLog, LINES } from './access-log.js';
import { DroppedLinesReport } from './dropped-lines.report.js';
import { PINO } from './gateway-logger.js';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';
import { UpstreamMetrics } from './upstream-metrics.js';

/** Where lines go, and pino, which writes there. */
export interface Logs {
  readonly pino: Logger;
  readonly lines: DestinationStream;
}

@Global()
@Module({})
export class ObservabilityModule {
  static forRoot({ pino, lines }: Logs): DynamicModule {
    return {
      module: ObservabilityModule,
      controllers: [MetricsController],
      providers: [
        { provide: PINO, useValue: pino },
        { provide: LINES, useValue: lines },
        AccessLog,
        DroppedLinesReport,
        Metrics,
        UpstreamMetrics,
      ],
      exports: [AccessLog, Metrics, PINO],
    };
  }
}
