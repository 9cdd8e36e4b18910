import { Counter, Gauge, Histogram, type Metric, type Registry } from 'prom-client';

/** One series of a metric: its labels, by name, and its value. */
export type Series = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A metric that each scrape reads. */
export interface ScrapedMetric<Source> {
  /** Gauge by default. */
  readonly type?: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  /** Names of the labels; none by default. */
  readonly labels?: readonly string[];
  /** All series, or the value of a metric without labels. The values of equal labels add up. An error fails the scrape. */
  readonly read: (source: Source) => number | Iterable<Series>;
}

/** A metric that an event changes: a histogram if it has buckets, else a counter. */
export interface EventMetric {
  readonly name: string;
  readonly help: string;
  /** Names of the labels; none by default. */
  readonly labels?: readonly string[];
  /** Upper bounds, in the unit of the metric. */
  readonly buckets?: readonly number[];
}

/** Name and help of a metric that counts by itself. */
export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
}

/** One series of a metric that counts by itself. */
export interface MetricValue {
  /** Name of the series; that of its metric by default. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  value: number;
}

type LabelsOf<Definition extends EventMetric> = Definition extends {
  readonly labels: readonly (infer Label)[];
}
  ? Extract<Label, string>
  : never;

/** The histograms and counters of a table, by its keys. */
export type EventMetrics<Table extends Readonly<Record<string, EventMetric>>> = {
  readonly [Key in keyof Table]: Table[Key] extends { readonly buckets: readonly number[] }
    ? Histogram<LabelsOf<Table[Key]>>
    : Counter<LabelsOf<Table[Key]>>;
};

/** Registers metrics that each scrape reads from a source. A series that `read` leaves out is gone from that scrape on. */
export function registerScrapedMetrics<Source>(
  registry: Registry,
  table: readonly ScrapedMetric<Source>[],
  source: Source,
): void {
  for (const { type, name, help, labels = [], read } of table) {
    const options = {
      name,
      help,
      labelNames: labels,
      registers: [registry],
      collect(this: Counter | Gauge): void {
        this.reset();
        const series = read(source);
        if (typeof series === 'number') this.inc(series);
        else for (const [values, value] of series) this.inc(values, value);
      },
    };
    if (type === 'counter') new Counter(options);
    else new Gauge(options);
  }
}

/** Registers metrics that events change. */
export function registerEventMetrics<const Table extends Readonly<Record<string, EventMetric>>>(
  registry: Registry,
  table: Table,
): EventMetrics<Table> {
  const metrics = Object.entries(table).map(([key, { name, help, labels = [], buckets }]) => {
    const options = { name, help, labelNames: labels, registers: [registry] };
    return [key, buckets ? new Histogram({ ...options, buckets: [...buckets] }) : new Counter(options)];
  });
  return Object.fromEntries(metrics) as EventMetrics<Table>;
}

/**
 * Registers a metric that counts by itself.
 *
 * @param read called by each scrape; all series, whose values may change while the scrape formats them
 */
export function registerMetric(
  registry: Registry,
  definition: MetricDefinition & { readonly type: 'counter' | 'histogram' },
  read: () => readonly MetricValue[],
): void {
  const { name } = definition;
  const get = () => Promise.resolve({ ...definition, values: read(), aggregator: 'sum' });
  // The registry asks its metrics for no more than their name and `get`. prom-client declares an enum of numbers for the
  // type; its own metrics have these strings.
  registry.registerMetric({ name, get } as unknown as Metric);
}
