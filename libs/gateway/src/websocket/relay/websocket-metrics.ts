import { Injectable } from '@nestjs/common';
import {
  registerEventMetrics,
  registerScrapedMetrics,
  type EventMetrics,
  type ScrapedMetric,
  type Series,
} from '../../observability/metric-table.js';
import { Metrics } from '../../observability/metrics.js';
import { ByteBudget } from './byte-budget.js';
import { toCodeLabel } from './close-reasons.js';
import type { Closer, RelayCounts, RelayRecord, RelayRoute } from './relay-record.js';
import { Relays } from './relays.js';

const EVENTS = {
  closes: {
    name: 'websocket_closes_total',
    help: 'Sockets closed; code: the close code, by: the end that closed first, client, service or gateway',
    labels: ['endpoint', 'code', 'by'],
  },
  handshakes: {
    name: 'websocket_handshake_duration_seconds',
    help: "Seconds from a client's handshake to its 101; endpoint: the upstream",
    labels: ['endpoint'],
    // From an upstream on the same machine to a slow one.
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  resumptions: {
    name: 'websocket_resumptions_total',
    help: 'Attempts to resume sockets after their service went away; result: resumed or given_up',
    labels: ['endpoint', 'result'],
  },
} as const;

interface Sources {
  readonly totals: RelayTotals;
  readonly budget: ByteBudget;
}

const SCRAPED: readonly ScrapedMetric<Sources>[] = [
  {
    name: 'websocket_connections',
    help: 'Open sockets',
    labels: ['endpoint'],
    read: ({ totals }) => totals.connections(),
  },
  {
    name: 'websocket_buffered_bytes',
    help: 'Buffered bytes of all sockets; WEBSOCKET_MAX_BUFFER_BYTES limits them',
    read: ({ budget }) => budget.bytes,
  },
  {
    type: 'counter',
    name: 'websocket_messages_total',
    help: 'Messages; direction: in from clients, out to clients',
    labels: ['endpoint', 'direction'],
    read: ({ totals }) => totals.byDirection('messagesIn', 'messagesOut'),
  },
  {
    type: 'counter',
    name: 'websocket_bytes_total',
    help: 'Bytes of messages; direction: in from clients, out to clients',
    labels: ['endpoint', 'direction'],
    read: ({ totals }) => totals.byDirection('bytesIn', 'bytesOut'),
  },
  {
    type: 'counter',
    name: 'websocket_messages_unacknowledged_total',
    help: 'Messages written to a connection that broke before it acknowledged them',
    labels: ['endpoint'],
    read: ({ totals }) => totals.byEndpoint('unacknowledged'),
  },
  {
    type: 'counter',
    name: 'websocket_messages_lost_total',
    help: 'Messages of clients that the gateway dropped because their service was away',
    labels: ['endpoint'],
    read: ({ totals }) => totals.byEndpoint('lost'),
  },
];

/**
 * Counts of all relays, by endpoint. Each scrape sums up the live relays, so that a message costs one addition only.
 */
class RelayTotals {
  private readonly ended = new Map<string, RelayCounts>();

  constructor(private readonly live: Relays) {}

  /** Adds the counts of a relay that has ended. */
  add({ route, counts }: RelayRecord): void {
    addTo(this.ended, route.endpoint, counts);
  }

  /** One series of value 1 for each live relay, to be summed; 0 for an endpoint whose relays have all ended. */
  *connections(): Generator<Series> {
    for (const endpoint of this.ended.keys()) yield [{ endpoint }, 0];
    for (const { route } of this.live) yield [{ endpoint: route.endpoint }, 1];
  }

  *byEndpoint(count: keyof RelayCounts): Generator<Series> {
    for (const [endpoint, total] of this.all()) yield [{ endpoint }, total[count]];
  }

  *byDirection(fromClient: keyof RelayCounts, toClient: keyof RelayCounts): Generator<Series> {
    for (const [endpoint, total] of this.all()) {
      yield [{ endpoint, direction: 'in' }, total[fromClient]];
      yield [{ endpoint, direction: 'out' }, total[toClient]];
    }
  }

  private all(): Map<string, RelayCounts> {
    const totals = new Map([...this.ended].map(([endpoint, counts]) => [endpoint, { ...counts }]));
    for (const { route, counts } of this.live) addTo(totals, route.endpoint, counts);
    return totals;
  }
}

function addTo(totals: Map<string, RelayCounts>, endpoint: string, counts: RelayCounts): void {
  const total = totals.get(endpoint);
  if (!total) totals.set(endpoint, { ...counts });
  else for (const name of Object.keys(total) as (keyof RelayCounts)[]) total[name] += counts[name];
}

/** Metrics of WebSockets. Their label `endpoint` is the path template of the route. */
@Injectable()
export class WebSocketMetrics {
  private readonly totals: RelayTotals;
  private readonly events: EventMetrics<typeof EVENTS>;

  constructor({ registry }: Metrics, budget: ByteBudget, live: Relays) {
    this.totals = new RelayTotals(live);
    this.events = registerEventMetrics(registry, EVENTS);
    registerScrapedMetrics(registry, SCRAPED, { totals: this.totals, budget });
  }

  /** Records the duration of the handshake of a relay that has opened. */
  opened(route: RelayRoute, elapsedMs: number): void {
    this.events.handshakes.observe({ endpoint: route.upstream }, elapsedMs / 1000);
  }

  resumed(route: RelayRoute, result: 'resumed' | 'given_up'): void {
    this.events.resumptions.inc({ endpoint: route.endpoint, result });
  }

  closed(relay: RelayRecord, code: number, by: Closer): void {
    this.events.closes.inc({ endpoint: relay.route.endpoint, code: toCodeLabel(code), by });
    this.totals.add(relay);
  }
}
