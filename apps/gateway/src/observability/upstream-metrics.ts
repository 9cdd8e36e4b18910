import { UpstreamRegistry, type InstanceStats } from '@app/proxy';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Metrics } from './metrics.js';

/** `address` and not `instance`: that label is Prometheus' own, for whom it asked. */
interface Labels extends Record<string, string> {
  upstream: string;
  address: string;
}

const GAUGES = [
  ['connected', 'upstream_connections', 'Open connections to a service'],
  ['running', 'upstream_requests_running', 'Requests that a service is answering'],
  ['pending', 'upstream_requests_waiting', 'Requests that wait for a connection'],
  ['limit', 'upstream_connections_limit', 'Connections to a service that there may be'],
] as const;

const COUNTERS = [
  ['opened', 'upstream_connections_opened_total', 'Connections made'],
  ['reused', 'upstream_connections_reused_total', 'Requests over a connection that had served before'],
] as const;

/** How the pools stand, read when somebody asks. */
@Injectable()
export class UpstreamMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly upstreams: UpstreamRegistry,
  ) {}

  onModuleInit(): void {
    const registers = [this.metrics.registry];
    const labelNames = ['upstream', 'address'];
    const each = (figure: keyof InstanceStats, report: (labels: Labels, value: number) => void): void => {
      for (const { name, instances } of this.upstreams.upstreams) {
        for (const instance of instances.all) {
          report({ upstream: name, address: instance.origin }, instance.stats()[figure]);
        }
      }
    };
    for (const [figure, name, help] of GAUGES) {
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect() {
          // An instance that is gone must not stay with its last figure.
          this.reset();
          each(figure, (labels, value) => this.set(labels, value));
        },
      });
    }
    const { upstreams } = this;
    new Gauge({
      name: 'upstream_instance_up',
      help: '1 where an instance is well, 0 where it is ejected, down, or the last one and fails',
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const { name, instances } of upstreams.upstreams) {
          for (const { origin, health } of instances.all) {
            this.set({ upstream: name, address: origin }, health.isHealthy ? 1 : 0);
          }
        }
      },
    });
    new Gauge({
      name: 'upstream_circuit_open',
      help: '1 while a service is not asked, 0.5 while a few requests try it',
      labelNames: ['upstream'],
      registers,
      collect() {
        for (const { name, breaker } of upstreams.upstreams) {
          this.set({ upstream: name }, breaker.state === 'open' ? 1 : breaker.state === 'closed' ? 0 : 0.5);
        }
      },
    });
    new Gauge({
      name: 'upstream_streamed_bodies',
      help: 'Requests with a slow or large body in progress; UPSTREAM_MAX_STREAMED_BODIES_PERCENT limits them',
      labelNames: ['upstream'],
      registers,
      collect() {
        for (const { name, streamedBodyLimit } of upstreams.upstreams)
          this.set({ upstream: name }, streamedBodyLimit.inProgress);
      },
    });
    new Counter({
      name: 'upstream_slow_readers_cut_total',
      help: 'Responses cut because their clients did not read them while requests waited for a connection',
      labelNames: ['upstream'],
      registers,
      collect() {
        this.reset();
        for (const { name, slowReaderLimit } of upstreams.upstreams)
          this.inc({ upstream: name }, slowReaderLimit.cutTotal);
      },
    });
    new Counter({
      name: 'upstream_retries_total',
      help: 'Requests that were sent again, and those that there was no budget for',
      labelNames: ['upstream', 'result'],
      registers,
      collect() {
        this.reset();
        for (const { name, retryBudget } of upstreams.upstreams) {
          this.inc({ upstream: name, result: 'sent' }, retryBudget.retriesTotal);
          this.inc({ upstream: name, result: 'refused' }, retryBudget.refusedTotal);
        }
      },
    });
    for (const [figure, name, help] of COUNTERS) {
      new Counter({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          each(figure, (labels, value) => this.inc(labels, value));
        },
      });
    }
  }
}
