import { nextTurn } from '@app/proxy/internal';
import type { MetricValueWithName, Registry } from 'prom-client';

/** Series that are formatted in one turn of the event loop, in about 1 ms. */
const SERIES_PER_TURN = 500;

/**
 * Formats all metrics of a registry as the text of Prometheus (version 0.0.4), in several turns of the event loop.
 * `Registry#metrics` blocks the event loop until all series are formatted.
 *
 * @param commonLabels labels of every series that has no label of that name
 * @throws Error if a metric cannot be read
 */
export async function metricsText(
  registry: Registry,
  commonLabels: Readonly<Record<string, string>>,
): Promise<string> {
  const metrics = registry.getMetricsAsArray().map(({ name }) => registry.getSingleMetric(name)!);
  const lines: string[] = [];
  let left = SERIES_PER_TURN;
  for (const metric of metrics) {
    const { name, help, type, values } = await metric.get();
    if (lines.length > 0) lines.push('');
    // A string, although prom-client declares an enum of numbers.
    lines.push(`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${String(type)}`);
    for (const value of values) {
      lines.push(lineOf(name, value, commonLabels));
      if (--left > 0) continue;
      await nextTurn();
      left = SERIES_PER_TURN;
    }
  }
  return `${lines.join('\n')}\n`;
}

function lineOf(
  name: string,
  { metricName = name, labels, value }: MetricValueWithName<string>,
  commonLabels: Readonly<Record<string, string>>,
): string {
  let text = '';
  for (const label in labels) text += `${label}="${escapedValue(labels[label])}",`;
  for (const label in commonLabels) {
    if (!(label in labels)) text += `${label}="${escapedValue(commonLabels[label])}",`;
  }
  return `${metricName}${text === '' ? '' : `{${text.slice(0, -1)}}`} ${numberOf(value)}`;
}

function numberOf(value: number): string {
  return Math.abs(value) === Infinity ? (value > 0 ? '+Inf' : '-Inf') : String(value);
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapedValue(value: string | number | undefined): string {
  return escaped(String(value)).replaceAll('"', '\\"');
}
