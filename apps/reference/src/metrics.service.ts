import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Request, Response } from 'express';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import { SERVICE_CONFIG, type ServiceConfig } from './service.config.js';

/** The label of all requests without a route. */
const UNMATCHED = 'unmatched';

/** The bounds of the histogram, in seconds. */
const BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Metrics of the process, and of requests by the template of their route, never by their path. */
@Injectable()
export class MetricsService implements OnApplicationShutdown {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests that ended, by status; 499: the client closed the connection first',
    labelNames: ['method', 'endpoint', 'status'],
    registers: [this.registry],
  });
  readonly #durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Seconds from the headers of a request to the end of its response',
    labelNames: ['method', 'endpoint'],
    buckets: BUCKETS,
    registers: [this.registry],
  });

  constructor(@Inject(SERVICE_CONFIG) { service }: ServiceConfig) {
    this.registry.setDefaultLabels({ service: `${service}-service` });
    collectDefaultMetrics({ register: this.registry });
  }

  readonly track = (request: Request, response: Response, next: () => void): void => {
    const begun = performance.now();
    response.once('close', () => {
      // Node accepts known methods only.
      const labels = { method: request.method, endpoint: String(request.route?.path ?? UNMATCHED) };
      this.#requests.inc({ ...labels, status: response.writableFinished ? response.statusCode : 499 });
      this.#durations.observe(labels, (performance.now() - begun) / 1000);
    });
    next();
  };

  onApplicationShutdown(): void {
    this.registry.clear();
  }
}
