import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { registerScrapedMetrics, type ScrapedMetric } from '../observability/metric-table.js';
import { Metrics } from '../observability/metrics.js';
import { DrainService } from './drain.service.js';

const METRICS: readonly ScrapedMetric<DrainService>[] = [
  {
    name: 'gateway_drain_seconds_left',
    help: 'Seconds until the drain destroys the remaining connections; present only while the gateway drains',
    read: (drain) => drain.secondsLeft,
  },
  {
    name: 'gateway_drain_connections_left',
    help: 'Connections that the drain waits for; present only while the gateway drains',
    read: (drain) => drain.connectionsLeft,
  },
];

/**
 * Metrics of the drain, registered at the signal. At the deadline the drain destroys the remaining connections and the
 * process exits without another scrape: the last scrape before the deadline has their number.
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
