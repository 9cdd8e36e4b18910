import { COMMON_INVARIANTS } from './explore.mjs';

/** What must hold in the model of the retry budget, what it must be able to reach, and the mutants that it must refute. */

export function createInvariants({ maxRetries, minRetries, share, windowTicks }) {
  return [
    {
      name: 'a request that may have effects is written to one connection at most',
      guarantee: 'G2',
      holds: ({ exchanges }) => exchanges.every(({ isRetryable, written }) => isRetryable || written <= 1),
    },
    {
      // In every window, while a retry begins: those of one window, and the requests of two.
      name: 'retries exceed neither the minimum nor their share of recent requests',
      guarantee: 'G11',
      holds: ({ requestsAt, retriesAt }) => {
        const last = retriesAt.at(-1);
        if (last === undefined) return true;
        const countSince = (times, ticks) =>
          times.filter((time) => time > last - ticks && time <= last).length;
        const most = minRetries + share * countSince(requestsAt, 2 * windowTicks);
        return countSince(retriesAt, windowTicks) <= most;
      },
    },
    {
      name: 'one attempt of a request at most is free of the budget',
      guarantee: 'G11',
      holds: ({ exchanges }) => exchanges.every(({ free }) => free <= 1),
    },
    {
      name: 'a request has no more attempts than one and its retries',
      guarantee: 'G11',
      holds: ({ exchanges }) => exchanges.every(({ count }) => count <= 1 + maxRetries),
    },
    {
      name: 'attempts are requests, retries and free attempts',
      guarantee: 'G11',
      holds: ({ exchanges, retriesAt }) => {
        const sum = (read) => exchanges.reduce((total, exchange) => total + read(exchange), 0);
        return sum(({ count }) => Math.max(0, count - 1)) === retriesAt.length + sum(({ free }) => free);
      },
    },
  ];
}

export const MUST_REACH = [
  {
    name: 'a retry without budget',
    holds: ({ exchanges }) => exchanges.some(({ outcome }) => outcome === 'no budget'),
  },
  {
    name: 'two retries, the second once the first is no longer recent',
    holds: ({ retriesAt }) => retriesAt.length === 2,
  },
  {
    name: 'three attempts of one request, of which one is free',
    holds: ({ exchanges }) => exchanges.some(({ count, free }) => count === 3 && free === 1),
  },
  {
    name: 'a request that may have effects is sent again, as no byte of it was written',
    holds: ({ exchanges: [post] }) => post.count === 2 && post.written === 1,
  },
  {
    name: 'a request without effects is written to two connections',
    holds: ({ exchanges: [, get] }) => get.written === 2 && get.outcome === 'response',
  },
];

/** Changed rules, and the invariant that must refute each. */
export const MUTANTS = [
  {
    change: 'a request that was written is sent again, whatever its method',
    rules: { asksStage: false },
    invariant: 'a request that may have effects is written to one connection at most',
  },
  {
    change: 'a retry is not charged',
    rules: { charges: false },
    invariant: 'retries exceed neither the minimum nor their share of recent requests',
  },
  {
    change: 'every attempt on a connection that has served is taken for stale',
    rules: { freeOnce: false },
    invariant: 'one attempt of a request at most is free of the budget',
  },
  {
    change: 'attempts are not limited',
    rules: { limitsAttempts: false, maxRetries: 1 },
    invariant: 'a request has no more attempts than one and its retries',
  },
  {
    change: 'an attempt is neither charged nor one of the free ones',
    rules: { countsFree: false },
    invariant: 'attempts are requests, retries and free attempts',
  },
  {
    change: 'no timeout ends an attempt',
    rules: { hasTimeouts: false },
    invariant: COMMON_INVARIANTS.WAIT.name,
  },
];
