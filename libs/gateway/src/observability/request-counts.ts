import type { Registry } from 'prom-client';
import { registerMetric, type MetricDefinition, type MetricValue } from './metric-table.js';
import { valueAt } from './value-at.js';

/** Endpoint of requests beyond the limit of series, so that sums over all endpoints stay right. */
export const OTHER_ENDPOINT = 'other';

/**
 * The counter of requests. `Counter#inc` checks and hashes its labels, in 2 % of the CPU time of a small request; this one
 * finds its series by their strings. The number of series is limited; the first ones are kept.
 */
export class RequestCounts {
  /** By endpoint, method and status. */
  private readonly series = new Map<string, Map<string, Map<number, MetricValue>>>();
  private readonly all: MetricValue[] = [];

  /**
   * @param limit most series
   * @param onLeftOut called for each request that counts for the endpoint `other`, since its own would be beyond the limit
   */
  constructor(
    registry: Registry,
    definition: MetricDefinition,
    private readonly limit: number,
    private readonly onLeftOut: () => void,
  ) {
    registerMetric(registry, { ...definition, type: 'counter' }, () => [...this.all]);
  }

  add(method: string, endpoint: string, status: number): void {
    const series =
      this.series.get(endpoint)?.get(method)?.get(status) ?? this.create(method, endpoint, status);
    series.value++;
  }

  private create(method: string, endpoint: string, status: number): MetricValue {
    if (this.all.length < this.limit) return this.seriesOf(method, endpoint, status);
    this.onLeftOut();
    return this.seriesOf(method, OTHER_ENDPOINT, status);
  }

  private seriesOf(method: string, endpoint: string, status: number): MetricValue {
    const byMethod = valueAt(this.series, endpoint, () => new Map<string, Map<number, MetricValue>>());
    const byStatus = valueAt(byMethod, method, () => new Map<number, MetricValue>());
    return valueAt(byStatus, status, () => {
      const series = { labels: { method, endpoint, status }, value: 0 };
      this.all.push(series);
      return series;
    });
  }
}
