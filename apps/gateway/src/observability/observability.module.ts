import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';
import { AccessLog } from './access-log.js';
import { PINO } from './gateway-logger.js';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';
import { UpstreamMetrics } from './upstream-metrics.js';

@Global()
@Module({})
export class ObservabilityModule {
  static forRoot(pino: Logger): DynamicModule {
    return {
      module: ObservabilityModule,
      controllers: [MetricsController],
      providers: [{ provide: PINO, useValue: pino }, AccessLog, Metrics, UpstreamMetrics],
      exports: [AccessLog, Metrics, PINO],
    };
  }
}
