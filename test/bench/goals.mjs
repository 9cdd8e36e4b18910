import { median } from './figures.mjs';

/**
 * What the gateway is to reach: a figure at most so large, or at most this share of a peer's in the same rounds, or, `at` a
 * step, of its own at the step `from`.
 */
const GOALS = [
  { scenario: 'get-50', figure: 'cpuUs', of: 'gateway', to: 'nest-hpm', most: 0.36 },
  { scenario: 'get-50', figure: 'cpuUs', of: 'gateway', to: 'go', most: 0.75 },
  { scenario: 'get-50', figure: 'cpuUs', of: 'gateway-bare', to: 'go', most: 0.55 },
  { scenario: 'get-50', figure: 'p99Ms', of: 'gateway', to: 'nest-hpm', most: 1 },
  { scenario: 'get-200', figure: 'peakBytes', of: 'gateway', most: 160e6 },
  { scenario: 'get-1000', figure: 'p99Ms', of: 'gateway', to: 'go', most: 1 },
  { scenario: 'post', figure: 'cpuUs', of: 'gateway', to: 'go', most: 1 },
  { scenario: 'post', figure: 'p99Ms', of: 'gateway', to: 'nest-hpm', most: 1 },
  { scenario: 'download', figure: 'cpuUs', of: 'gateway', to: 'nest-hpm', most: 0.6 },
  { scenario: 'download', figure: 'cpuUs', of: 'gateway', to: 'go', most: 1.5 },
  { scenario: 'echo', figure: 'cpuUs', of: 'gateway', to: 'ws-relay', most: 1.1 },
  { scenario: 'handshakes', figure: 'cpuUs', of: 'gateway', most: 400 },
  { scenario: 'idle', figure: 'bytesEach', of: 'gateway', most: 20_480 },
  { scenario: 'idle-clients', figure: 'bytesEach', of: 'gateway', to: 'node-http', most: 1.5 },
  { scenario: 'idle-clients', figure: 'residentBytes', of: 'gateway', to: 'node-http', most: 1.5 },
  { scenario: 'tails-40-64', figure: 'p99Ms', of: 'gateway', to: 'go', most: 1.5 },
  { scenario: 'tails-10-1', figure: 'p99Ms', of: 'gateway', to: 'go', most: 2 },
  { scenario: 'tails-40-1000', figure: 'p99Ms', of: 'gateway', to: 'go', most: 1 },
  { scenario: 'tails-post-40-64', figure: 'p99Ms', of: 'gateway', to: 'nest-hpm', most: 1 },
  { scenario: 'grow-routes', figure: 'cpuUs', of: 'gateway', at: 10_000, from: 10, most: 1.1 },
  { scenario: 'grow-instances', figure: 'cpuUs', of: 'gateway', at: 200, from: 1, most: 1.1 },
  { scenario: 'grow-revocations', figure: 'cpuUs', of: 'gateway', at: 240_000, from: 0, most: 1.1 },
  { scenario: 'grow-users', figure: 'cpuUs', of: 'gateway', at: 100_000, from: 10, most: 1.3 },
];

/** Whether a goal needs what is measured of a target, at this step if there are steps. */
export function isForGoal(scenario, target, step) {
  return GOALS.some(({ scenario: key, of, at, to, from }) => {
    const needed = [[of, at], ...(to || from !== undefined ? [[to ?? of, from]] : [])];
    return (
      key === scenario &&
      needed.some(([neededTarget, neededStep]) => neededTarget === target && neededStep === step)
    );
  });
}

/** Each goal with its median, least and greatest value; goals without a measured value are left out. */
export function compareWithGoals({ scenarios }) {
  return GOALS.flatMap((goal) => {
    const { scenario, figure, of, at, to, from } = goal;
    const measured = scenarios.find(({ key }) => key === scenario);
    const find = (key, step) => measured?.targets.find((one) => one.key === key && one.step === step);
    const isRatio = to !== undefined || from !== undefined;
    const [own, other] = [find(of, at), isRatio ? find(to ?? of, from) : undefined];
    if (!own || (isRatio && !other)) return [];
    const values = valuesOf(figure, own, other);
    const value = median(values);
    const range = { least: Math.min(...values), greatest: Math.max(...values) };
    const titles = { title: measured.title, target: own.title, peer: to && other.title };
    return [{ ...goal, ...titles, isRatio, value, ...range, isMet: value <= goal.most }];
  });
}

/** The figure, or the ratio, of each round. Both figures of a ratio are of the same round, so that other load hits both. */
function valuesOf(figure, own, other) {
  if (figure === 'peakBytes') return [own.peakBytes];
  return own.rounds.map((round, index) => round[figure] / (other?.rounds[index][figure] ?? 1));
}
