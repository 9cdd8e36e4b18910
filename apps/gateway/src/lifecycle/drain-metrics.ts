import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Metrics } from '../observability/metrics.js';
import { DrainService } from './drain.service.js';

/**
 * How far the drain is, from the signal on: before it there are no such series, and what is destroyed at its end nobody
 * can ask for any more, so that the last figures before the end tell of it.
 */
@Injectable()
export class DrainMetrics implements OnModuleDestroy {
  constructor(
    private readonly metrics: Metrics,
    private readonly drain: DrainService,
  ) {}

  onModuleDestroy(): void {
    const registers = [this.metrics.registry];
    const { drain } = this;
    new Gauge({
      name: 'drain_seconds_left',
      help: 'Until what is left is destroyed; there only while the gateway drains',
      registers,
      collect() {
        this.set(drain.secondsLeft);
      },
    });
    new Gauge({
      name: 'drain_connections_left',
      help: 'Connections that the drain waits for; there only while the gateway drains',
      registers,
      collect() {
        this.set(drain.connectionsLeft);
      },
    });
  }
}
