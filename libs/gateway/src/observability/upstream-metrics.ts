import { CIRCUIT_STATES, UpstreamRegistry, type Instance } from '@app/proxy/internal';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { registerScrapedMetrics, type ScrapedMetric, type Series } from './metric-table.js';
import { Metrics } from './metrics.js';

/** `address`, since Prometheus itself sets `instance`: to the address that it scrapes. */
const INSTANCE_LABELS = ['upstream', 'address'];

const METRICS: readonly ScrapedMetric<UpstreamRegistry>[] = [
  {
    name: 'upstream_connections',
    help: 'Open connections to an instance',
    labels: INSTANCE_LABELS,
    read: ofInstances((instance) => instance.stats().connected),
  },
  {
    name: 'upstream_requests_running',
    help: 'Requests that an instance is serving',
    labels: INSTANCE_LABELS,
    read: ofInstances((instance) => instance.stats().running),
  },
  {
    name: 'upstream_requests_waiting',
    help: 'Requests that wait for a connection',
    labels: INSTANCE_LABELS,
    read: ofInstances((instance) => instance.stats().pending),
  },
  {
    name: 'upstream_connections_limit',
    help: 'Most connections to an instance at a time; retries may open as many more',
    labels: INSTANCE_LABELS,
    read: ofInstances((instance) => instance.stats().limit),
  },
  {
    name: 'upstream_instance_up',
    help: '1 if an instance is healthy, 0 if it is ejected, or its health checks fail, or it is the last one and fails',
    labels: INSTANCE_LABELS,
    read: ofInstances(({ health }) => (health.isHealthy ? 1 : 0)),
  },
  {
    name: 'upstream_circuit_state',
    help: 'State of the circuit breaker: the series of the current state is 1, the others are 0',
    labels: ['upstream', 'state'],
    *read({ upstreams }) {
      for (const { name, breaker } of upstreams) {
        for (const state of CIRCUIT_STATES) {
          yield [{ upstream: name, state: state.replace('-', '_') }, breaker.state === state ? 1 : 0];
        }
      }
    },
  },
  {
    name: 'upstream_streamed_bodies',
    help: 'Requests with a slow or large body in progress; UPSTREAM_MAX_STREAMED_BODIES_PERCENT limits them',
    labels: ['upstream'],
    *read({ upstreams }) {
      for (const { name, streamedBodyLimit } of upstreams) {
        yield [{ upstream: name }, streamedBodyLimit.inProgress];
      }
    },
  },
  {
    type: 'counter',
    name: 'upstream_slow_readers_cut_total',
    help: 'Responses that the gateway cut because their clients did not read them while requests waited for a connection',
    labels: ['upstream'],
    *read({ upstreams }) {
      for (const { name, slowReaderLimit } of upstreams) {
        yield [{ upstream: name }, slowReaderLimit.cutTotal];
      }
    },
  },
  {
    type: 'counter',
    name: 'upstream_retries_total',
    help: 'Retries; sent: the gateway sent the request again, refused: the retry budget was empty',
    labels: ['upstream', 'result'],
    *read({ upstreams }) {
      for (const { name, retryBudget } of upstreams) {
        yield [{ upstream: name, result: 'sent' }, retryBudget.retriesTotal];
        yield [{ upstream: name, result: 'refused' }, retryBudget.refusedTotal];
      }
    },
  },
  {
    type: 'counter',
    name: 'upstream_connections_opened_total',
    help: 'Connections opened to an instance',
    labels: INSTANCE_LABELS,
    read: ofInstances((instance) => instance.stats().opened),
  },
  {
    type: 'counter',
    name: 'upstream_connections_reused_total',
    help: 'Requests over a connection that had carried a request before',
    labels: INSTANCE_LABELS,
    read: ofInstances((instance) => instance.stats().reused),
  },
];

/** Reads one value of each instance of each upstream. */
function ofInstances(
  valueOf: (instance: Instance) => number,
): (registry: UpstreamRegistry) => Iterable<Series> {
  return function* ({ upstreams }) {
    for (const { name, instances } of upstreams) {
      for (const instance of instances.all) {
        yield [{ upstream: name, address: instance.origin }, valueOf(instance)];
      }
    }
  };
}

/** Metrics of the upstreams: connections and health of their instances, circuit breakers, budgets. */
@Injectable()
export class UpstreamMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly upstreams: UpstreamRegistry,
  ) {}

  onModuleInit(): void {
    registerScrapedMetrics(this.metrics.registry, METRICS, this.upstreams);
  }
}
