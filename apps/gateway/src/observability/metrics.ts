import { setImmediate as nextTurn } from 'node:timers/promises';
import { codeOf, SETTINGS, type Settings, OpenExchanges } from '@app/gateway';
import type { AuthenticationFailure } from '@app/auth';
import type { Exchange } from '@app/proxy';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { metricsText } from './metrics-text.js';
import { SeriesLimit } from './series-limit.js';

/** Seconds; from what memory answers to the route deadline. */
const DURATION_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The endpoint of requests that no route and no controller names: one label for all paths. */
const UNKNOWN_ENDPOINT = 'unmatched';

/** The endpoint of requests whose own series would be one too many: sums over all endpoints stay right. */
const OTHER_ENDPOINT = 'other';

/** Series of one metric by route that are kept, each a line of about 130 bytes in every scrape. */
const MOST_SERIES = 20_000;

/** Methods that may be a label; a client may send any other token. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The gateway's figures, with the names of the contract; of bounded variety whatever clients send. */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  readonly registry = new Registry();

  private readonly requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered; status 499: the client left first',
    labelNames: ['method', 'endpoint', 'status'] as const,
    registers: [this.registry],
  });

  private readonly duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the headers of a request to the end of its response; endpoint: its upstream, or the path of a controller',
    labelNames: ['method', 'endpoint'] as const,
    buckets: DURATION_BUCKETS,
    registers: [this.registry],
  });

  private readonly authFailures = new Counter({
    name: 'auth_failures_total',
    help: 'Refused credentials by method and reason',
    labelNames: ['method', 'reason'] as const,
    registers: [this.registry],
  });

  private readonly rateLimitBlocks = new Counter({
    name: 'rate_limit_blocked_total',
    help: 'Requests refused with 429 for their number',
    labelNames: ['endpoint'] as const,
    registers: [this.registry],
  });

  private readonly failures = new Counter({
    name: 'request_failures_total',
    help: "Requests that the gateway itself failed with 5xx or broke off, by X-Gateway-Error; not services' own 5xx",
    labelNames: ['upstream', 'code'] as const,
    registers: [this.registry],
  });

  private readonly sessionEnds = new Counter({
    name: 'gateway_responses_ended_total',
    help: 'Responses in flight that ended with the session of their request',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });

  private readonly seriesLeftOut = new Counter({
    name: 'gateway_metric_series_left_out_total',
    help: 'Counts that went to the endpoint "other", because their metric had its most series',
    labelNames: ['metric'] as const,
    registers: [this.registry],
  });

  private readonly requestSeries = new SeriesLimit(MOST_SERIES);
  private readonly rateLimitSeries = new SeriesLimit(MOST_SERIES);
  /** The text that waits to be made, shared by all callers. */
  private nextText: Promise<string> | undefined;
  /** Settles when the text before it is made. */
  private lastText: Promise<unknown> | undefined;
  private readonly commonLabels: Readonly<Record<string, string>>;

  constructor(@Inject(SETTINGS) config: Settings, open: OpenExchanges) {
    this.commonLabels = { service: config.serviceName };
    collectDefaultMetrics({ register: this.registry });
    new Gauge({
      name: 'http_requests_in_flight',
      help: 'Requests that are being served',
      registers: [this.registry],
      collect() {
        this.set(open.size);
      },
    });
  }

  /**
   * All figures in the text format of Prometheus, no older than the call. One text is made at a time, and at most one in
   * each turn of the event loop: all calls that come before it begins share it.
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

  /** @param controllerPath the template of a controller's route, if no upstream's matched */
  closed(exchange: Exchange, controllerPath: string | undefined, status: number, elapsedMs: number): void {
    const { request, failure, template, upstream } = exchange;
    const method = METHODS.has(request.method!) ? request.method! : 'OTHER';
    const route = template ?? controllerPath ?? UNKNOWN_ENDPOINT;
    const isKept = this.requestSeries.has(`${method} ${status} ${route}`);
    if (!isKept) this.seriesLeftOut.inc({ metric: 'http_requests_total' });
    this.requests.inc({ method, endpoint: isKept ? route : OTHER_ENDPOINT, status });
    // A histogram has 17 lines for each of its series: by upstream they are few however many routes there are.
    this.duration.observe(
      { method, endpoint: upstream ?? controllerPath ?? UNKNOWN_ENDPOINT },
      elapsedMs / 1000,
    );
    if (failure && failure.getStatus() >= 500) {
      this.failures.inc({ upstream: upstream ?? '', code: codeOf(failure) });
    }
  }

  rateLimited({ template }: Exchange): void {
    const route = template ?? UNKNOWN_ENDPOINT;
    const isKept = this.rateLimitSeries.has(route);
    if (!isKept) this.seriesLeftOut.inc({ metric: 'rate_limit_blocked_total' });
    this.rateLimitBlocks.inc({ endpoint: isKept ? route : OTHER_ENDPOINT });
  }

  /** Bytes that never became a request. */
  malformed(status: number): void {
    this.requests.inc({ method: 'OTHER', endpoint: 'malformed', status });
  }

  sessionEnded(reason: 'revoked' | 'expired'): void {
    this.sessionEnds.inc({ reason });
  }

  authFailed(reason: AuthenticationFailure): void {
    this.authFailures.inc({ method: 'jwt', reason });
  }

  onApplicationShutdown(): void {
    this.registry.clear();
  }
}
