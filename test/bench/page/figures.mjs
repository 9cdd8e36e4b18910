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
  maxMs: { head: () => 'max ms', digits: 1 },
  cpuUs: { head: (unit) => `CPU µs per ${unit}`, digits: 1 },
  corePercent: { head: () => '% of its core', digits: 0 },
  bytesEach: { head: (unit) => `KiB per ${unit}`, digits: 1, divisor: 1_024 },
  residentBytes: { head: () => 'MB', digits: 0, divisor: 1e6 },
  peakBytes: { head: () => 'peak MB', digits: 0, divisor: 1e6 },
};

/** A scenario as rows of text, the heads first: what is printed, and what the page has. */
export function tableOf({ unit, targets }) {
  const names = Object.keys(UNITS).filter((name) => name in targets[0].rounds[0] || name === 'peakBytes');
  const heads = ['', ...names.map((name) => UNITS[name].head(unit))];
  const rows = targets.map((target) => {
    const figures = figuresOf(target);
    return [
      [target.title, target.label].filter(Boolean).join(', '),
      ...names.map((name) => textOf(name, figures[name])),
    ];
  });
  return [heads, ...rows];
}

/** A figure in its unit, as text. */
export function textOf(name, value) {
  const { digits, divisor = 1 } = UNITS[name];
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return (value / divisor).toLocaleString('en', options);
}
