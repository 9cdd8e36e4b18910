import type { AuthenticationFailure } from '@app/auth';
import type { Exchange } from '@app/proxy';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { GATEWAY_CONFIG, type GatewayConfig } from '../config/gateway-config.js';
import { codeOf } from '../errors/error-answer.js';
import { OpenExchanges } from '../lifecycle/open-exchanges.js';

/** Seconds; from what memory answers to the route deadline. */
const DURATION_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The endpoint of requests that no route and no controller names: one label for all, whatever path was tried. */
const UNKNOWN_ENDPOINT = 'unmatched';

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
    help: 'From the headers of a request to the end of its response',
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

  constructor(@Inject(GATEWAY_CONFIG) config: GatewayConfig, open: OpenExchanges) {
    this.registry.setDefaultLabels({ service: config.serviceName });
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

  /** @param endpoint the template of a controller's route, where no upstream's matched */
  closed(exchange: Exchange, endpoint: string | undefined, status: number, elapsedMs: number): void {
    const method = METHODS.has(exchange.request.method!) ? exchange.request.method! : 'OTHER';
    const labels = { method, endpoint: exchange.template ?? endpoint ?? UNKNOWN_ENDPOINT };
    this.requests.inc({ ...labels, status });
    this.duration.observe(labels, elapsedMs / 1000);
    const { failure, upstream = '' } = exchange;
    if (failure && failure.getStatus() >= 500) this.failures.inc({ upstream, code: codeOf(failure) });
  }

  rateLimited({ template }: Exchange): void {
    this.rateLimitBlocks.inc({ endpoint: template ?? UNKNOWN_ENDPOINT });
  }

  /** Bytes that never became a request. */
  malformed(status: number): void {
    this.requests.inc({ method: 'OTHER', endpoint: 'malformed', status });
  }

  authFailed(reason: AuthenticationFailure): void {
    this.authFailures.inc({ method: 'jwt', reason });
  }

  onApplicationShutdown(): void {
    this.registry.clear();
  }
}
