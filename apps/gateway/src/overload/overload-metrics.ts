import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Metrics } from '../observability/metrics.js';
import { LoadMonitor, RESOURCES, type Resource } from './load-monitor.js';

/** Figures of overload, by reason. */
@Injectable()
export class OverloadMetrics {
  private readonly refusals: Counter<'reason'>;

  constructor({ registry }: Metrics, monitor: LoadMonitor) {
    const registers = [registry];
    new Gauge({
      name: 'overload',
      help: '1 while there is too much of it and new requests are refused',
      labelNames: ['reason'],
      registers,
      collect() {
        const reasons = new Set(monitor.saturatedResources);
        for (const reason of RESOURCES) this.set({ reason }, reasons.has(reason) ? 1 : 0);
      },
    });
    this.refusals = new Counter({
      name: 'requests_shed_total',
      help: 'Requests and upgrades refused with 503 by overload',
      labelNames: ['reason'],
      registers,
    });
    // A rate needs the zero before the first one.
    for (const reason of RESOURCES) this.refusals.inc({ reason }, 0);
  }

  shed(reason: Resource): void {
    this.refusals.inc({ reason });
  }
}
