import { median } from './figures.mjs';

/** What the gateway is to reach: a figure at most so large, or at most this share of a peer's in the same rounds. */
const GOALS = [
  { scenario: 'get-50', figure: 'cpuUs', of: 'gateway', to: 'nest-hpm', most: 0.7 },
  { scenario: 'get-50', figure: 'cpuUs', of: 'gateway', to: 'go', most: 1 },
  { scenario: 'get-50', figure: 'cpuUs', of: 'gateway-bare', to: 'nest-hpm', most: 0.55 },
  { scenario: 'get-50', figure: 'cpuUs', of: 'gateway-bare', to: 'go', most: 0.8 },
  { scenario: 'get-50', figure: 'p99Ms', of: 'gateway', to: 'nest-hpm', most: 1 },
  { scenario: 'get-200', figure: 'peakBytes', of: 'gateway', most: 160e6 },
  { scenario: 'download', figure: 'cpuUs', of: 'gateway', to: 'nest-hpm', most: 0.6 },
  { scenario: 'echo', figure: 'cpuUs', of: 'gateway', to: 'ws-relay', most: 1.1 },
  { scenario: 'idle', figure: 'bytesEach', of: 'gateway', most: 20_480 },
];

/** Each goal with the median of what was measured, the least and the greatest; those are left out for which something was not. */
export function compareWithGoals({ scenarios }) {
  return GOALS.flatMap((goal) => {
    const measured = scenarios.find(({ key }) => key === goal.scenario);
    const [own, other] = [goal.of, goal.to].map((key) => measured?.targets.find((one) => one.key === key));
    if (!own || (goal.to && !other)) return [];
    const values = valuesOf(goal.figure, own, other);
    const value = median(values);
    const range = { least: Math.min(...values), greatest: Math.max(...values) };
    return [{ ...goal, title: measured.title, value, ...range, isMet: value <= goal.most }];
  });
}

/** By round. Ratios are of the same round, so that what else the machine did meanwhile weighs on both. */
function valuesOf(figure, own, other) {
  if (figure === 'peakBytes') return [own.peakBytes];
  return own.rounds.map((round, index) => round[figure] / (other?.rounds[index][figure] ?? 1));
}
