import { Inject, Injectable } from '@nestjs/common';
import type { DestinationStream, Logger } from 'pino';
import { Counter } from 'prom-client';
import { LINES } from './access-log.js';
import { PINO } from './gateway-logger.js';
import { LineOutput } from './line-output.js';
import { Metrics } from './metrics.js';

/** Tells of log lines that were dropped: in a metric at once, in the log once there is room. */
@Injectable()
export class DroppedLinesReport {
  constructor(@Inject(LINES) lines: DestinationStream, @Inject(PINO) pino: Logger, metrics: Metrics) {
    const output = lines instanceof LineOutput ? lines : undefined;
    new Counter({
      name: 'gateway_log_lines_dropped_total',
      help: 'Log lines that were dropped because nobody read the log, or its disk was full',
      registers: [metrics.registry],
      collect() {
        this.reset();
        this.inc(output?.dropped ?? 0);
      },
    });
    if (output) output.onRoom = (dropped) => pino.warn({ dropped }, 'log lines dropped');
  }
}
