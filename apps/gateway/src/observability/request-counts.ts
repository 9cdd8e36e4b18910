import type { Counter } from 'prom-client';

/** One series: its labels, and the requests that are not yet in the counter. */
interface Series {
  readonly labels: { readonly method: string; readonly endpoint: string; readonly status: number };
  pending: number;
}

/** Endpoint of requests beyond the limit of series, so that sums over all endpoints stay right. */
const OTHER_ENDPOINT = 'other';

/**
 * Counts requests, and adds them to a counter before each scrape: `Counter#inc` checks and hashes its labels, in 2 % of the
 * CPU time of a small request. The number of series is limited; the first ones are kept.
 */
export class RequestCounts {
  /** By endpoint, method and status. */
  private readonly series = new Map<string, Map<string, Map<number, Series>>>();
  private size = 0;
  private changed: Series[] = [];

  /**
   * @param limit most series
   * @param onLeftOut called for each request that counts for the endpoint `other`, since its own would be beyond the limit
   */
  constructor(
    private readonly counter: Counter<'method' | 'endpoint' | 'status'>,
    private readonly limit: number,
    private readonly onLeftOut: () => void,
  ) {}

  add(method: string, endpoint: string, status: number): void {
    const series =
      this.series.get(endpoint)?.get(method)?.get(status) ?? this.create(method, endpoint, status);
    if (series.pending++ === 0) this.changed.push(series);
  }

  /** Adds all requests to the counter. */
  flush(): void {
    for (const series of this.changed) {
      this.counter.inc(series.labels, series.pending);
      series.pending = 0;
    }
    this.changed = [];
  }

  private create(method: string, endpoint: string, status: number): Series {
    if (this.size >= this.limit && endpoint !== OTHER_ENDPOINT) {
      this.onLeftOut();
      return this.seriesOf(method, OTHER_ENDPOINT, status);
    }
    this.size++;
    return this.seriesOf(method, endpoint, status);
  }

  private seriesOf(method: string, endpoint: string, status: number): Series {
    const byMethod = valueAt(this.series, endpoint, () => new Map<string, Map<number, Series>>());
    const byStatus = valueAt(byMethod, method, () => new Map<number, Series>());
    return valueAt(byStatus, status, () => ({ labels: { method, endpoint, status }, pending: 0 }));
  }
}

/** The value of a key, created at the first call. */
function valueAt<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}
