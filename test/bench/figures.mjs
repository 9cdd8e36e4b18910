/** The middle one, or the mean of the two in the middle. */
export function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The figures of a target in a scenario: medians of its rounds. */
export function figuresOf({ rounds, peakBytes }) {
  const figures = Object.keys(rounds[0]).map((name) => [name, median(rounds.map((round) => round[name]))]);
  return { ...Object.fromEntries(figures), peakBytes };
}

const UNITS = {
  perSecond: { head: (unit) => `${unit}s/s`, digits: 0 },
  p50Ms: { head: () => 'p50 ms', digits: 2 },
  p90Ms: { head: () => 'p90 ms', digits: 2 },
  p99Ms: { head: () => 'p99 ms', digits: 2 },
  p999Ms: { head: () => 'p99.9 ms', digits: 2 },
  maxMs: { head: () => 'max ms', digits: 2 },
  lateMs: { head: () => 'late ms', digits: 2 },
  cpuUs: { head: (unit) => `CPU µs per ${unit}`, digits: 1 },
  corePercent: { head: () => '% of its core', digits: 0 },
  bytesEach: { head: (unit) => `KiB per ${unit}`, digits: 1, divisor: 1_024 },
  residentBytes: { head: () => 'MB', digits: 0, divisor: 1e6 },
  peakBytes: { head: () => 'peak MB', digits: 0, divisor: 1e6 },
};

/** A scenario as rows of text, the heads first: what is printed, and what the page has. */
export function tableOf(scenario) {
  return isGrowth(scenario) ? growthTableOf(scenario) : targetTableOf(scenario);
}

/** Whether targets were measured in steps. */
export function isGrowth({ targets }) {
  return targets[0].step !== undefined;
}

/** For each target its steps. */
export function seriesOf({ targets }) {
  return Object.values(Object.groupBy(targets, ({ key }) => key));
}

function targetTableOf({ unit, targets }) {
  const names = namesOf(targets[0]);
  const heads = ['', ...names.map((name) => UNITS[name].head(unit))];
  const rows = targets.map((target) => [target.title, ...cellsOf(target, names)]);
  return [heads, ...rows];
}

/** A row for each step, the targets side by side. */
function growthTableOf({ unit, targets }) {
  const series = seriesOf({ targets });
  const names = namesOf(targets[0]);
  const heads = series.flatMap(([{ title }]) => names.map((name) => `${title}: ${UNITS[name].head(unit)}`));
  const rows = series[0].map(({ label }, index) => [
    label,
    ...series.flatMap((steps) => cellsOf(steps[index], names)),
  ]);
  return [['', ...heads], ...rows];
}

function namesOf({ rounds, peakBytes }) {
  return Object.keys(UNITS).filter((name) => name in rounds[0] || (name === 'peakBytes' && peakBytes));
}

function cellsOf(target, names) {
  const figures = figuresOf(target);
  return names.map((name) => textOf(name, figures[name]));
}

/** A figure in its unit, as text. */
export function textOf(name, value) {
  const { digits, divisor = 1 } = UNITS[name];
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return (value / divisor).toLocaleString('en', options);
}
