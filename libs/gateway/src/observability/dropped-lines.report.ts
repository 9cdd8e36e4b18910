import { Inject, Injectable } from '@nestjs/common';
import type { DestinationStream, Logger } from 'pino';
import { LINES } from './access-log.js';
import { PINO } from './gateway-logger.js';
import { LineOutput } from './line-output.js';
import { registerScrapedMetrics, type ScrapedMetric } from './metric-table.js';
import { Metrics } from './metrics.js';

const METRICS: readonly ScrapedMetric<LineOutput | undefined>[] = [
  {
    type: 'counter',
    name: 'gateway_log_lines_dropped_total',
    help: 'Log lines that the gateway dropped because the reader of the log was too slow, or the disk was full',
    read: (output) => output?.dropped ?? 0,
  },
];

/** Reports dropped log lines: in a metric at once, and in the log as soon as the output has room. */
@Injectable()
export class DroppedLinesReport {
  constructor(@Inject(LINES) lines: DestinationStream, @Inject(PINO) pino: Logger, metrics: Metrics) {
    const output = lines instanceof LineOutput ? lines : undefined;
    registerScrapedMetrics(metrics.registry, METRICS, output);
    if (output) output.onRoom = (dropped) => pino.warn({ dropped }, 'log lines dropped');
  }
}
