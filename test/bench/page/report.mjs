import { tableOf, textOf } from './figures.mjs';

/** A scenario, for people at a terminal. */
export function printScenario(scenario) {
  console.log(`\n${scenario.title}`);
  for (const [title, ...cells] of tableOf(scenario)) {
    console.log(title.padEnd(36) + cells.map((cell) => cell.padStart(20)).join(''));
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
  bytesEach: 'memory, KiB each',
};

const NAMES = {
  gateway: 'everything on',
  'gateway-bare': 'logs and limits off',
  'nest-hpm': 'of http-proxy-middleware in Nest',
  go: 'of Go',
  'ws-relay': 'of a plain `ws` relay',
};

/** A goal in words. */
export function describeGoal({ title, figure, of, to, most, value, least, greatest }) {
  const what = [title, FIGURES[figure], NAMES[of], ...(to ? [NAMES[to]] : [])].join(', ');
  const text = to ? (ratio) => ratio.toFixed(3) : (bytes) => textOf(figure, bytes);
  return { what, most: text(most), value: text(value), range: `${text(least)} to ${text(greatest)}` };
}
