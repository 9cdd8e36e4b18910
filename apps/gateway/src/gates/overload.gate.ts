import type { Exchange, Gate } from '@app/proxy';
import { Injectable } from '@nestjs/common';
import { OverloadedException } from '../errors/exceptions.js';
import { LoadMonitor } from '../overload/load-monitor.js';
import { OverloadMetrics } from '../overload/overload-metrics.js';
import { OriginGate } from './origin.gate.js';
import { isWatcher } from './watched-paths.js';

/** Refuses what is new while the process has too much to do, so that what is in flight finishes. */
@Injectable()
export class OverloadGate implements Gate {
  constructor(
    private readonly monitor: LoadMonitor,
    private readonly metrics: OverloadMetrics,
    private readonly origin: OriginGate,
  ) {}

  admit(exchange: Exchange): void {
    const reason = this.monitor.refusalOf(exchange);
    if (reason === undefined || isWatcher(exchange)) return;
    // A page may read why it was refused, and when to come back, only with the CORS headers.
    this.origin.admit(exchange);
    this.metrics.shed(reason);
    throw new OverloadedException(reason);
  }
}
