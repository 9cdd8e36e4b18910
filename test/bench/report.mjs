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
  const rows = goals.map((goal) => ({ ...describeGoal(goal), isMet: goal.isMet }));
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, most, value, range, isMet } of rows) {
    console.log(`${name.padEnd(width)}  at most ${most}: ${value} (${range}), ${isMet ? 'met' : 'not met'}`);
  }
}

const FIGURES = {
  cpuUs: 'CPU',
  p99Ms: 'p99',
  peakBytes: 'peak memory, MB',
  bytesEach: 'memory each, KiB',
  residentBytes: 'memory in all, MB',
};

/** A goal of `compareWithGoals` in words. */
export function describeGoal(goal) {
  const { title, figure, target, peer, at, from, isRatio } = goal;
  const measured = isRatio ? FIGURES[figure].split(',')[0] : FIGURES[figure];
  const number = (step) => step.toLocaleString('en');
  const comparison =
    at === undefined ? `compared with ${peer}` : `${number(at)} compared with ${number(from)}`;
  const name = [title, measured, target, ...(isRatio ? [comparison] : [])].join(', ');
  const text = isRatio ? (ratio) => ratio.toFixed(3) : (value) => textOf(figure, value);
  const range = `${text(goal.least)} to ${text(goal.greatest)}`;
  return { name, most: text(goal.most), value: text(goal.value), range };
}
