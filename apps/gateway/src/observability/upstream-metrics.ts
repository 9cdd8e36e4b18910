import { UpstreamRegistry, type InstanceStats } from '@app/proxy';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Metrics } from './metrics.js';

interface Labels extends Record<string, string> {
  upstream: string;
  instance: string;
}

const GAUGES = [
  ['connected', 'upstream_connections', 'Open connections to a service'],
  ['running', 'upstream_requests_running', 'Requests that a service is answering'],
  ['waiting', 'upstream_requests_waiting', 'Requests that wait for a connection'],
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
    const labelNames = ['upstream', 'instance'];
    const each = (figure: keyof InstanceStats, report: (labels: Labels, value: number) => void): void => {
      for (const { name, instances } of this.upstreams.upstreams) {
        for (const instance of instances) {
          report({ upstream: name, instance: instance.origin }, instance.stats()[figure]);
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
          each(figure, (labels, value) => this.set(labels, value));
        },
      });
    }
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
