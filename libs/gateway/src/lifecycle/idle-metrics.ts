import { IdleConnections } from '../http/idle-connections.js';
import { Injectable } from '@nestjs/common';
import { registerScrapedMetrics, type ScrapedMetric } from '../observability/metric-table.js';
import { Metrics } from '../observability/metrics.js';

const METRICS: readonly ScrapedMetric<IdleConnections>[] = [
  {
    name: 'gateway_idle_client_connections',
    help: 'Client connections without a request in progress; MAX_IDLE_CLIENT_CONNECTIONS bounds them',
    read: (idle) => idle.size,
  },
  {
    type: 'counter',
    name: 'gateway_idle_client_connections_closed_total',
    help: 'Idle client connections closed because of a bound: in total, or for one client network',
    labels: ['bound'],
    read: ({ closed }) => [
      [{ bound: 'total' }, closed.total],
      [{ bound: 'network' }, closed.network],
    ],
  },
];

/** Metrics of idle client connections. */
@Injectable()
export class IdleMetrics {
  constructor({ registry }: Metrics, idle: IdleConnections) {
    registerScrapedMetrics(registry, METRICS, idle);
  }
}
