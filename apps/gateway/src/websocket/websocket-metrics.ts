import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';
import { Metrics } from '../observability/metrics.js';
import { ByteBudget } from './byte-budget.js';
import { labelOf } from './close-codes.js';
import { LiveRelays } from './live-relays.js';
import type { Closer, Relay, RelayCounts } from './relay.js';
import type { WebSocketRoute } from './websocket-route.js';

/** Seconds; from a service on the same machine to one that is late. */
const HANDSHAKE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The sums that are read off the relays when somebody asks, so that a message costs an addition. */
const SUMS: readonly {
  readonly name: string;
  readonly help: string;
  readonly direction?: 'in' | 'out';
  readonly count: keyof RelayCounts;
}[] = [
  { name: 'websocket_messages_total', help: 'Messages', direction: 'in', count: 'messagesIn' },
  { name: 'websocket_messages_total', help: 'Messages', direction: 'out', count: 'messagesOut' },
  { name: 'websocket_bytes_total', help: 'Bytes of messages', direction: 'in', count: 'bytesIn' },
  { name: 'websocket_bytes_total', help: 'Bytes of messages', direction: 'out', count: 'bytesOut' },
  {
    name: 'websocket_messages_in_doubt_total',
    help: 'Messages written to a connection that broke before it proved that they arrived',
    count: 'inDoubt',
  },
  { name: 'websocket_messages_lost_total', help: 'Messages that were given up', count: 'lost' },
];

/** Figures of the sockets, by the template of their route. */
@Injectable()
export class WebSocketMetrics {
  /** What the relays that have ended have counted, by endpoint. */
  private readonly past = new Map<string, RelayCounts>();
  private readonly closes: Counter<'endpoint' | 'code' | 'by'>;
  private readonly handshakes: Histogram<'endpoint'>;
  private readonly resumptions: Counter<'endpoint' | 'result'>;

  constructor(metrics: Metrics, budget: ByteBudget, live: LiveRelays) {
    const registers = [metrics.registry];
    const { past } = this;
    this.closes = new Counter({
      name: 'websocket_closes_total',
      help: 'Sockets closed, by code and by who closed first',
      labelNames: ['endpoint', 'code', 'by'],
      registers,
    });
    this.handshakes = new Histogram({
      name: 'websocket_handshake_duration_seconds',
      help: "From a client's handshake to its 101",
      labelNames: ['endpoint'],
      buckets: HANDSHAKE_BUCKETS,
      registers,
    });
    this.resumptions = new Counter({
      name: 'websocket_resumptions_total',
      help: 'Services that went away under an open socket: joined again, or given up',
      labelNames: ['endpoint', 'result'],
      registers,
    });
    new Gauge({
      name: 'websocket_connections',
      help: 'Open sockets',
      labelNames: ['endpoint'],
      registers,
      collect() {
        this.reset();
        for (const endpoint of past.keys()) this.set({ endpoint }, 0);
        for (const { route } of live) this.inc({ endpoint: route.endpoint });
      },
    });
    new Gauge({
      name: 'websocket_buffered_bytes',
      help: 'Bytes that sockets hold, as far as they are counted against WEBSOCKET_BUFFER_BYTES',
      registers,
      collect() {
        this.set(budget.heldBytes);
      },
    });
    for (const name of new Set(SUMS.map((sum) => sum.name))) this.register(name, metrics, live);
  }

  opened(route: WebSocketRoute, elapsedMs: number): void {
    this.handshakes.observe({ endpoint: route.endpoint }, elapsedMs / 1000);
  }

  resumed(route: WebSocketRoute, result: 'joined' | 'given_up'): void {
    this.resumptions.inc({ endpoint: route.endpoint, result });
  }

  closed({ route, counts }: Relay, code: number, by: Closer): void {
    const { endpoint } = route;
    this.closes.inc({ endpoint, code: labelOf(code), by });
    const past = this.past.get(endpoint);
    if (past) addTo(past, counts);
    else this.past.set(endpoint, { ...counts });
  }

  private register(name: string, metrics: Metrics, live: LiveRelays): void {
    const sums = SUMS.filter((sum) => sum.name === name);
    const hasDirection = sums.length > 1;
    const totals = (): Map<string, RelayCounts> => this.totals(live);
    new Counter({
      name,
      help: sums[0]!.help,
      labelNames: hasDirection ? ['endpoint', 'direction'] : ['endpoint'],
      registers: [metrics.registry],
      collect() {
        this.reset();
        for (const [endpoint, counts] of totals()) {
          for (const { direction, count } of sums) {
            this.inc({ endpoint, ...(direction && { direction }) }, counts[count]);
          }
        }
      },
    });
  }

  private totals(live: LiveRelays): Map<string, RelayCounts> {
    const totals = new Map([...this.past].map(([endpoint, counts]) => [endpoint, { ...counts }]));
    for (const { route, counts } of live) {
      const total = totals.get(route.endpoint);
      if (total) addTo(total, counts);
      else totals.set(route.endpoint, { ...counts });
    }
    return totals;
  }
}

function addTo(sum: RelayCounts, counts: RelayCounts): void {
  for (const name of Object.keys(sum) as (keyof RelayCounts)[]) sum[name] += counts[name];
}
