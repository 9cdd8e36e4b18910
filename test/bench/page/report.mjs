import { figuresOf, tableOf, textOf } from './figures.mjs';

/** The lateness of the generator is printed if it is more than this share of p99. */
const MOST_LATE_SHARE = 0.5;

/** A scenario, for people at a terminal. */
export function printScenario(scenario) {
  const rows = tableOf(scenario);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  console.log(`\n${scenario.title}`);
  for (const [title, ...cells] of rows) {
    const padded = cells.map((cell, index) => cell.padStart(widths[index + 1] + 3));
    console.log(title.padEnd(widths[0]) + padded.join(''));
  }
  printLateness(scenario);
}

/** Prints a warning if the load, and not the target, made much of the latency. */
function printLateness({ targets }) {
  for (const target of targets) {
    const { lateMs = 0, p99Ms } = figuresOf(target);
    if (lateMs > p99Ms * MOST_LATE_SHARE) {
      console.log(
        `${target.title}: the generator did not keep its rate; ${textOf('lateMs', lateMs)} ms of p99 may be its own`,
      );
    }
  }
}

export function printGoals(goals) {
  if (goals.length > 0) console.log('\nGoals');
  for (const goal of goals) {
    const { what, most, value, range } = describeGoal(goal);
    console.log(`${what.padEnd(92)} at most ${most}: ${value} (${range}), ${goal.isMet ? 'met' : 'not met'}`);
  }
}

const FIGURES = {
  cpuUs: 'CPU',
  p99Ms: 'p99',
  peakBytes: 'peak memory, MB',
  bytesEach: 'memory each, KiB',
  residentBytes: 'memory in all, MB',
};

const NAMES = {
  gateway: 'everything on',
  'gateway-bare': 'logs and limits off',
  'nest-hpm': 'compared with http-proxy-middleware in Nest',
  go: 'compared with Go',
  'ws-relay': 'compared with a plain `ws` relay',
  'node-http': 'compared with a bare `node:http` server',
};

/** A goal in words. */
export function describeGoal({ title, figure, of, to, at, from, most, value, least, greatest, isRatio }) {
  const number = (step) => step.toLocaleString('en');
  const other = at === undefined ? NAMES[to] : `${number(at)} compared with ${number(from)}`;
  const measured = isRatio ? FIGURES[figure].split(',')[0] : FIGURES[figure];
  const what = [title, measured, NAMES[of], ...(other ? [other] : [])].join(', ');
  const text = isRatio ? (ratio) => ratio.toFixed(3) : (bytes) => textOf(figure, bytes);
  return { what, most: text(most), value: text(value), range: `${text(least)} to ${text(greatest)}` };
}
