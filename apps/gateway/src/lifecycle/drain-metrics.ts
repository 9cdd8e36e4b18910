import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { registerScrapedMetrics, type ScrapedMetric } from '../observability/metric-table.js';
import { Metrics } from '../observability/metrics.js';
import { DrainService } from './drain.service.js';

const METRICS: readonly ScrapedMetric<DrainService>[] = [
  {
    name: 'drain_seconds_left',
    help: 'Until what is left is destroyed; there only while the gateway drains',
    read: (drain) => drain.secondsLeft,
  },
  {
    name: 'drain_connections_left',
    help: 'Connections that the drain waits for; there only while the gateway drains',
    read: (drain) => drain.connectionsLeft,
  },
];

/**
 * Metrics of the drain, registered at the signal. The connections that are open at the deadline are destroyed with the
 * process, which then serves no scrape: their number is in the last scrape before it.
 */
@Injectable()
export class DrainMetrics implements OnModuleDestroy {
  constructor(
    private readonly metrics: Metrics,
    private readonly drain: DrainService,
  ) {}

  onModuleDestroy(): void {
    registerScrapedMetrics(this.metrics.registry, METRICS, this.drain);
  }
}
