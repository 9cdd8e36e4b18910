import { nextTurn } from '@app/proxy/internal';
import { codeOf } from '../http/error-response.js';
import { OpenExchanges } from '../http/open-exchanges.js';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import type { AuthenticationFailure } from '@app/auth';
import type { Exchange } from '@app/proxy';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { registerEventMetrics, registerScrapedMetrics, type ScrapedMetric } from './metric-table.js';
import { metricsText } from './metrics-text.js';
import { OTHER_ENDPOINT, RequestCounts } from './request-counts.js';
import { RequestDurations } from './request-durations.js';

const REQUESTS = {
  name: 'http_requests_total',
  help: 'Requests that ended, by status; 499: the client closed the connection first',
};

const EVENTS = {
  authFailures: {
    name: 'auth_failures_total',
    help: 'Credentials that the gateway refused',
    labels: ['method', 'reason'],
  },
  rateLimitBlocks: {
    name: 'rate_limit_blocked_total',
    help: 'Requests that the gateway refused with 429 because a rate limit was exceeded',
    labels: ['endpoint'],
  },
  failures: {
    name: 'gateway_request_failures_total',
    help: 'Requests that the gateway itself ended with 5xx or broke off; code: X-Gateway-Error',
    labels: ['upstream', 'code'],
  },
  sessionEnds: {
    name: 'gateway_responses_ended_total',
    help: 'Responses that the gateway ended because the token of their request expired or was revoked',
    labels: ['reason'],
  },
  seriesLeftOut: {
    name: 'gateway_metric_series_left_out_total',
    help: 'Counts that went to the endpoint "other" because their metric had the most series that it may have',
    labels: ['metric'],
  },
} as const;

const DURATION = {
  name: 'http_request_duration_seconds',
  help: 'Seconds from the headers of a request to the end of its response; endpoint: its upstream, or the path of a controller',
  // From a response out of memory to the timeout of a route.
  buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
};

const SCRAPED: readonly ScrapedMetric<OpenExchanges>[] = [
  { name: 'http_requests_in_flight', help: 'Requests in progress', read: (open) => open.size },
];

/** Endpoint of requests that match no route and no controller: one label for all their paths. */
const UNKNOWN_ENDPOINT = 'unmatched';

/** Series that a metric by route may have; each is a line of about 130 bytes in every scrape. */
const MOST_SERIES = 20_000;

/** Methods that may be a label on every path; those of a route may be one on its path. A client may send any other. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Metrics of the requests, and the registry of all metrics. Clients cannot raise the number of series without bound. */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  readonly registry = new Registry();

  private readonly requests = new RequestCounts(this.registry, REQUESTS, MOST_SERIES, () =>
    this.events.seriesLeftOut.inc({ metric: REQUESTS.name }),
  );
  private readonly events = registerEventMetrics(this.registry, EVENTS);
  private readonly durations = new RequestDurations(this.registry, DURATION);
  private readonly rateLimitSeries = new SeriesLimit(MOST_SERIES);
  /** The next text, shared by all callers until its making begins. */
  private nextText: Promise<string> | undefined;
  /** Settles when the text before the next one is made. */
  private lastText: Promise<unknown> | undefined;
  private readonly commonLabels: Readonly<Record<string, string>>;

  constructor(@Inject(SETTINGS) config: Settings, open: OpenExchanges) {
    this.commonLabels = { service: config.serviceName };
    collectDefaultMetrics({ register: this.registry });
    registerScrapedMetrics(this.registry, SCRAPED, open);
  }

  /**
   * All metrics in the text format of Prometheus, read after the call. One text is made at a time, and at most one in
   * each turn of the event loop: all calls that come before its making begins share it.
   *
   * @throws Error if a metric cannot be read
   */
  text(): Promise<string> {
    return (this.nextText ??= this.makeText());
  }

  private async makeText(): Promise<string> {
    await this.lastText;
    await nextTurn();
    const text = metricsText(this.registry, this.commonLabels);
    this.nextText = undefined;
    this.lastText = text.catch(() => {});
    return text;
  }

  /**
   * Counts an exchange that has ended.
   *
   * @param controllerPath path template of the controller's route, if the request matched no upstream's
   * @param status of the response; 499 if the client left first
   */
  closed(exchange: Exchange, controllerPath: string | undefined, status: number, elapsedMs: number): void {
    const { request, failure, template, upstream } = exchange;
    const method = exchange.route || METHODS.has(request.method!) ? request.method! : 'OTHER';
    this.requests.add(method, template ?? controllerPath ?? UNKNOWN_ENDPOINT, status);
    // A histogram has 17 lines for each of its series: upstreams are few, and routes may be thousands.
    this.durations.observe(method, upstream ?? controllerPath ?? UNKNOWN_ENDPOINT, elapsedMs / 1000);
    if (failure && failure.getStatus() >= 500) {
      this.events.failures.inc({ upstream: upstream ?? '', code: codeOf(failure) });
    }
  }

  rateLimited({ template }: Exchange): void {
    const route = template ?? UNKNOWN_ENDPOINT;
    const isKept = this.rateLimitSeries.tryAdd(route);
    if (!isKept) this.events.seriesLeftOut.inc({ metric: EVENTS.rateLimitBlocks.name });
    this.events.rateLimitBlocks.inc({ endpoint: isKept ? route : OTHER_ENDPOINT });
  }

  /** Counts a request that Node's parser refused before it was an exchange. */
  malformed(status: number): void {
    this.requests.add('OTHER', 'malformed', status);
  }

  sessionEnded(reason: 'revoked' | 'expired'): void {
    this.events.sessionEnds.inc({ reason });
  }

  authFailed(reason: AuthenticationFailure): void {
    this.events.authFailures.inc({ method: 'jwt', reason });
  }

  onApplicationShutdown(): void {
    this.registry.clear();
  }
}

/** Limits the number of series of a metric. The first ones are kept. */
export class SeriesLimit {
  private readonly known = new Set<string>();

  constructor(private readonly limit: number) {}

  /**
   * Adds a series, unless the limit is reached.
   *
   * @param series values of its labels
   * @returns whether the series is kept
   */
  tryAdd(series: string): boolean {
    if (this.known.has(series)) return true;
    if (this.known.size >= this.limit) return false;
    this.known.add(series);
    return true;
  }
}
