import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MetricValueWithName, Registry } from 'prom-client';

/** Series that one turn of the event loop writes: about 1 ms. */
const SERIES_PER_TURN = 500;

/**
 * All metrics of a registry in the text format of Prometheus (version 0.0.4), made in parts between which the event
 * loop turns: `Registry#metrics` stops it until all series are written.
 *
 * @param commonLabels of every series; one of its own of the same name counts
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
    // The types do not know that it is a word here.
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
