import type { Registry } from 'prom-client';
import { registerMetric, type MetricDefinition, type MetricValue } from './metric-table.js';
import { valueAt } from './value-at.js';

interface Series {
  readonly labels: { readonly method: string; readonly endpoint: string };
  /** Requests in each bucket, and in the last one all that took longer. */
  readonly counts: number[];
  sum: number;
}

/**
 * The histogram of the durations of requests. `Histogram#observe` checks and hashes its labels, in 2 % of the CPU time of a
 * small request; this one finds its series by their strings.
 */
export class RequestDurations {
  /** By endpoint and method. */
  private readonly series = new Map<string, Map<string, Series>>();

  /** @param buckets upper bounds in seconds, ascending */
  constructor(
    registry: Registry,
    private readonly definition: MetricDefinition & { readonly buckets: readonly number[] },
  ) {
    registerMetric(registry, { ...definition, type: 'histogram' }, () =>
      [...this.series.values()].flatMap((byMethod) =>
        [...byMethod.values()].flatMap((series) => this.valuesOf(series)),
      ),
    );
  }

  observe(method: string, endpoint: string, seconds: number): void {
    const series = this.series.get(endpoint)?.get(method) ?? this.create(method, endpoint);
    const { buckets } = this.definition;
    let bucket = 0;
    while (bucket < buckets.length && seconds > buckets[bucket]!) bucket++;
    series.counts[bucket]!++;
    series.sum += seconds;
  }

  private create(method: string, endpoint: string): Series {
    const byMethod = valueAt(this.series, endpoint, () => new Map<string, Series>());
    const counts = Array.from({ length: this.definition.buckets.length + 1 }, () => 0);
    return valueAt(byMethod, method, () => ({ labels: { method, endpoint }, counts, sum: 0 }));
  }

  /** Each bucket counts all requests up to its bound (Prometheus' text format 0.0.4). */
  private valuesOf({ labels, counts, sum }: Series): MetricValue[] {
    const { name, buckets } = this.definition;
    const values: MetricValue[] = [];
    let count = 0;
    counts.forEach((more, index) => {
      count += more;
      const le = buckets[index] ?? '+Inf';
      values.push({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: count });
    });
    values.push({ metricName: `${name}_sum`, labels, value: sum });
    values.push({ metricName: `${name}_count`, labels, value: count });
    return values;
  }
}
