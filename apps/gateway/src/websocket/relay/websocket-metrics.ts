import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { Metrics } from '../../observability/metrics.js';
import { ByteBudget } from './byte-budget.js';
import { toCodeLabel } from './close-reasons.js';
import type { Closer, RelayCounts, RelayRecord, RelayRoute } from './relay-record.js';
import { Relays } from './relays.js';

/** Seconds; from an upstream on the same machine to one that is late. */
const HANDSHAKE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** One of a relay's counts, with its labels beside the endpoint. */
interface SummedCount {
  readonly labels: Readonly<Record<string, string>>;
  readonly count: keyof RelayCounts;
}

/** Figures of the sockets, by the template of their route. */
@Injectable()
export class WebSocketMetrics {
  /** Counts of the relays that have ended, by endpoint. */
  private readonly past = new Map<string, RelayCounts>();
  private readonly closes: Counter<'endpoint' | 'code' | 'by'>;
  private readonly handshakes: Histogram<'endpoint'>;
  private readonly resumptions: Counter<'endpoint' | 'result'>;

  constructor(
    metrics: Metrics,
    budget: ByteBudget,
    private readonly live: Relays,
  ) {
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
      help: "From a client's handshake to its 101; endpoint: the upstream",
      labelNames: ['endpoint'],
      buckets: HANDSHAKE_BUCKETS,
      registers,
    });
    this.resumptions = new Counter({
      name: 'websocket_resumptions_total',
      help: 'Services that went away under an open socket: resumed, or given up',
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
      help: 'Bytes that sockets hold, as far as they are counted against WEBSOCKET_MAX_BUFFER_BYTES',
      registers,
      collect() {
        this.set(budget.bytes);
      },
    });
    this.sum(registers, 'websocket_messages_total', 'Messages', [
      { labels: { direction: 'in' }, count: 'messagesIn' },
      { labels: { direction: 'out' }, count: 'messagesOut' },
    ]);
    this.sum(registers, 'websocket_bytes_total', 'Bytes of messages', [
      { labels: { direction: 'in' }, count: 'bytesIn' },
      { labels: { direction: 'out' }, count: 'bytesOut' },
    ]);
    this.sum(
      registers,
      'websocket_messages_in_doubt_total',
      'Messages written to a connection that broke before it acknowledged them',
      [{ labels: {}, count: 'unacknowledged' }],
    );
    this.sum(registers, 'websocket_messages_lost_total', 'Messages that were given up', [
      { labels: {}, count: 'lost' },
    ]);
  }

  opened(route: RelayRoute, elapsedMs: number): void {
    this.handshakes.observe({ endpoint: route.upstream }, elapsedMs / 1000);
  }

  resumed(route: RelayRoute, result: 'resumed' | 'given_up'): void {
    this.resumptions.inc({ endpoint: route.endpoint, result });
  }

  closed({ route, counts }: RelayRecord, code: number, by: Closer): void {
    const { endpoint } = route;
    this.closes.inc({ endpoint, code: toCodeLabel(code), by });
    const past = this.past.get(endpoint);
    if (past) addTo(past, counts);
    else this.past.set(endpoint, { ...counts });
  }

  /** Registers a sum over the relays that is made for each scrape, so that a message costs an addition. */
  private sum(registers: Registry[], name: string, help: string, counts: readonly SummedCount[]): void {
    const totals = (): Map<string, RelayCounts> => this.totals();
    new Counter({
      name,
      help,
      labelNames: ['endpoint', ...Object.keys(counts[0]!.labels)],
      registers,
      collect() {
        this.reset();
        for (const [endpoint, total] of totals()) {
          for (const { labels, count } of counts) this.inc({ endpoint, ...labels }, total[count]);
        }
      },
    });
  }

  private totals(): Map<string, RelayCounts> {
    const totals = new Map([...this.past].map(([endpoint, counts]) => [endpoint, { ...counts }]));
    for (const { route, counts } of this.live) {
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
