import { Injectable } from '@nestjs/common';
import {
  registerEventMetrics,
  registerScrapedMetrics,
  type EventMetrics,
  type ScrapedMetric,
} from '../observability/metric-table.js';
import { Metrics } from '../observability/metrics.js';
import { LoadMonitor, RESOURCES, type Resource } from './load-monitor.js';

const SCRAPED: readonly ScrapedMetric<LoadMonitor>[] = [
  {
    name: 'gateway_saturated',
    help: '1 while the resource is saturated, and the gateway refuses new requests',
    labels: ['reason'],
    read({ saturatedResources }) {
      return RESOURCES.map((resource) => [
        { reason: resource },
        saturatedResources.includes(resource) ? 1 : 0,
      ]);
    },
  },
];

const EVENTS = {
  shed: {
    name: 'gateway_requests_shed_total',
    help: 'Requests and handshakes that the gateway refused with 503 because a resource was saturated',
    labels: ['reason'],
  },
} as const;

/** Metrics of overload, by saturated resource. */
@Injectable()
export class OverloadMetrics {
  private readonly events: EventMetrics<typeof EVENTS>;

  constructor({ registry }: Metrics, monitor: LoadMonitor) {
    registerScrapedMetrics(registry, SCRAPED, monitor);
    this.events = registerEventMetrics(registry, EVENTS);
    // Prometheus counts the first refusal only if the series was 0 before.
    for (const resource of RESOURCES) this.events.shed.inc({ reason: resource }, 0);
  }

  shed(resource: Resource): void {
    this.events.shed.inc({ reason: resource });
  }
}
