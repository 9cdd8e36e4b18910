import { IdleConnections } from '@app/gateway';
import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Metrics } from '../observability/metrics.js';

/** Figures of client connections without a request. */
@Injectable()
export class IdleMetrics {
  constructor({ registry }: Metrics, idle: IdleConnections) {
    const registers = [registry];
    new Gauge({
      name: 'gateway_idle_client_connections',
      help: 'Client connections without a request on their way; MAX_IDLE_CLIENT_CONNECTIONS bounds them',
      registers,
      collect() {
        this.set(idle.size);
      },
    });
    new Counter({
      name: 'gateway_idle_client_connections_closed_total',
      help: 'Idle client connections that were closed for their number: in total, or of one client network',
      labelNames: ['bound'],
      registers,
      collect() {
        this.reset();
        this.inc({ bound: 'total' }, idle.closed.total);
        this.inc({ bound: 'network' }, idle.closed.network);
      },
    });
  }
}
