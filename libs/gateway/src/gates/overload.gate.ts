import { OverloadedException } from '../http/exceptions.js';
import type { Exchange, Gate } from '@app/proxy';
import { Injectable } from '@nestjs/common';
import { LoadMonitor } from '../overload/load-monitor.js';
import { OverloadMetrics } from '../overload/overload-metrics.js';

/** Refuses new requests and WebSockets while the process is overloaded, so that those in flight finish. */
@Injectable()
export class OverloadGate implements Gate {
  constructor(
    private readonly monitor: LoadMonitor,
    private readonly metrics: OverloadMetrics,
  ) {}

  check(exchange: Exchange): void {
    if (exchange.route?.isMonitoring) return;
    const resource = this.monitor.checkSaturation(exchange);
    if (resource === undefined) return;
    this.metrics.shed(resource);
    throw new OverloadedException(resource);
  }
}
