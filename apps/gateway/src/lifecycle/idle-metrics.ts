import { IdleConnections } from '@app/gateway';
import { Injectable } from '@nestjs/common';
import { registerScrapedMetrics, type ScrapedMetric } from '../observability/metric-table.js';
import { Metrics } from '../observability/metrics.js';

const METRICS: readonly ScrapedMetric<IdleConnections>[] = [
  {
    name: 'gateway_idle_client_connections',
    help: 'Client connections without a request on their way; MAX_IDLE_CLIENT_CONNECTIONS bounds them',
    read: (idle) => idle.size,
  },
  {
    type: 'counter',
    name: 'gateway_idle_client_connections_closed_total',
    help: 'Idle client connections that were closed for their number: in total, or of one client network',
    labels: ['bound'],
    read: ({ closed }) => [
      [{ bound: 'total' }, closed.total],
      [{ bound: 'network' }, closed.network],
    ],
  },
];

/** Metrics of client connections without a request. */
@Injectable()
export class IdleMetrics {
  constructor({ registry }: Metrics, idle: IdleConnections) {
    registerScrapedMetrics(registry, METRICS, idle);
  }
}
