/**
 * Two requests of one upstream with two instances. Each attempt may end in every way: no connection, a connection that
 * breaks, a status, a timeout, a client that leaves. The gateway may send `GET /` again after it was written. It may not send
 * `POST /` again then. (With an `Idempotency-Key`, on a route that retries keyed requests, `POST /` is like `GET /`.)
 *
 * The numbers are small: the budget allows one retry in any case (`MIN_RETRIES`, 10 in the code) and a quarter of the recent
 * requests in addition, a request may have two retries, a window of `RollingCount` has two ticks, and four ticks pass.
 *
 * The model counts the instances that a request has tried, and does not say which they are. An instance that the request has
 * not tried may have no room.
 *
 * The model leaves out streamed request bodies, which cannot be sent again (`isBodyThere`), responses of which some bytes have
 * come (`hasResponse`; no retry follows), early hints, the circuit breaker, ejections and WebSocket handshakes.
 */
import { step } from './explore.mjs';
import { createInvariants, MUST_REACH } from './retry-budget-guarantees.mjs';

const MIN_RETRIES = 1;
const SHARE = 0.25;
const WINDOW_TICKS = 2;
const TICKS = 4;
const INSTANCES = 2;

/**
 * The rules of the code; a mutant changes one.
 * - `charges`: whether a retry is counted in the budget.
 * - `asksStage`: whether a request that was written is sent again only if it is retryable.
 * - `freeOnce`: whether only the first attempt of a request can have met a stale connection.
 */
const RULES = {
  maxRetries: 2,
  charges: true,
  countsFree: true,
  asksStage: true,
  freeOnce: true,
  limitsAttempts: true,
  hasTimeouts: true,
};

const SOURCES = {
  Attempt: 'libs/proxy/src/attempts/attempt.ts',
  Attempts: 'libs/proxy/src/attempts/attempts.ts',
  AttemptLoop: 'libs/proxy/src/forward/attempt-loop.ts',
  Forward: 'libs/proxy/src/forward/forward.ts',
  ForwardTimeouts: 'libs/proxy/src/forward/forward-timeouts.ts',
  RetryBudget: 'libs/proxy/src/attempts/retry-budget.ts',
};

const request = (isRetryable) => ({
  isRetryable,
  is: 'new',
  count: 0,
  tried: 0,
  isFresh: false,
  isReused: false,
  isStale: false,
  written: 0,
  free: 0,
  outcome: 'none',
});

const ROLLING_COUNT = { endsAt: 0, current: 0, previous: 0 };

const INITIAL = {
  now: 0,
  requests: ROLLING_COUNT,
  retries: ROLLING_COUNT,
  requestsAt: [],
  retriesAt: [],
  exchanges: [request(false), request(true)],
};

/** @returns {import('./explore.mjs').Model} */
export function createRetryBudget(rules = {}) {
  const all = { ...RULES, ...rules };
  return {
    name: 'retry budget',
    sources: SOURCES,
    initial: INITIAL,
    actions: (state) => [
      ...(state.now < TICKS ? [step('a tick passes', 'time', state, (next) => void next.now++)] : []),
      ...[0, 1].flatMap((index) => exchangeActions(state, index, all)),
    ],
    isFinal: ({ exchanges }) => exchanges.every(({ is }) => is === 'new' || is === 'settled'),
    invariants: createInvariants({
      maxRetries: all.maxRetries,
      minRetries: MIN_RETRIES,
      share: SHARE,
      windowTicks: WINDOW_TICKS,
    }),
    mustReach: MUST_REACH,
  };
}

/* `RollingCount`, as the code has it. */

function roll(count, now) {
  if (now < count.endsAt) return;
  count.previous = now < count.endsAt + WINDOW_TICKS ? count.current : 0;
  count.current = 0;
  count.endsAt = now + WINDOW_TICKS;
}

function add(count, now) {
  roll(count, now);
  count.current++;
}

function total(count, now) {
  roll(count, now);
  return count.current + count.previous;
}

/** Forgets what no longer matters, so that states stay few. */
function settle(exchange, outcome) {
  const { isRetryable, written, free, count } = exchange;
  Object.assign(exchange, request(isRetryable), { written, free, count, is: 'settled', outcome });
}

function exchangeActions(state, index, rules) {
  const exchange = state.exchanges[index];
  const act = (name, by, change) => step(name, by, state, (next) => change(next.exchanges[index], next));
  switch (exchange.is) {
    case 'new':
      return [
        act('RetryBudget.addRequest', 'peer', (next, { requests, requestsAt, now }) => {
          add(requests, now);
          requestsAt.push(now);
          next.is = 'created';
        }),
      ];
    case 'created':
      return [
        act('Attempts.startFirst', 'gateway', (next) =>
          Object.assign(next, { is: 'connect', count: 1, tried: 1 }),
        ),
      ];
    case 'connect':
      return connectActions(exchange, act, rules);
    case 'response_headers':
      return responseActions(exchange, act, rules);
    case 'failed':
      return retryActions(state, exchange, act, rules);
    default:
      return [];
  }
}

function leave(act) {
  return act('Forward.clientClosed', 'peer', (next) => settle(next, 'none'));
}

function connectActions({ isFresh }, act, { hasTimeouts }) {
  const write = (isReused) => (next) => {
    Object.assign(next, { is: 'response_headers', isReused, isFresh: false });
    next.written++;
  };
  return [
    act('Attempt.onConnection', 'peer', write(false)),
    ...(isFresh ? [] : [act('Attempt.onConnection (connection has served)', 'peer', write(true))]),
    act('AttemptLoop.onError (no connection)', hasTimeouts ? 'time' : 'peer', (next) => {
      Object.assign(next, { is: 'failed', isStale: false, isFresh: false });
    }),
    leave(act),
  ];
}

function responseActions({ isReused, count, isRetryable }, act, rules) {
  const isFirstOnReusedConnection = isReused && (count === 1 || !rules.freeOnce);
  const canRetry = isRetryable || !rules.asksStage;
  const fail = (outcome, isStale) => (next) =>
    canRetry ? Object.assign(next, { is: 'failed', isStale, isReused: false }) : settle(next, outcome);
  const actions = [
    act('AttemptLoop.onHead', 'peer', (next) => settle(next, 'response')),
    act('AttemptLoop.onHead (503)', 'peer', fail('response', false)),
    act('AttemptLoop.onError (connection lost)', 'peer', fail('none', isFirstOnReusedConnection)),
    leave(act),
  ];
  if (isFirstOnReusedConnection)
    actions.push(act('AttemptLoop.onHead (408)', 'peer', fail('response', true)));
  if (rules.hasTimeouts) actions.push(act('ForwardTimeouts.tick', 'time', fail('none', false)));
  return actions;
}

/** After an attempt that failed; `AttemptLoop.tryRetry` has found that the request may be sent again. */
function retryActions(state, { count, tried, isStale }, act, rules) {
  const giveUp = act('Forward.fail', 'gateway', (next) => settle(next, 'none'));
  if (rules.limitsAttempts && count > rules.maxRetries) return [giveUp];
  const start = (hasOther) => (next, changed) => {
    const { now, retries, retriesAt } = changed;
    if (!isStale) retriesAt.push(now);
    else if (rules.countsFree) next.free++;
    if (!isStale && rules.charges) add(retries, now);
    next.count++;
    if (hasOther) next.tried++;
    Object.assign(next, { is: 'connect', isStale: false, isFresh: !hasOther });
  };
  // An instance that was not tried may have no room.
  const actions = isStale
    ? [act('Attempts.tryRetry (stale, same instance)', 'gateway', start(false))]
    : [giveUp];
  if (tried === INSTANCES) return actions;
  if (isStale) return [...actions, act('Attempts.tryRetry (stale)', 'gateway', start(true))];
  const { now, requests, retries } = structuredClone(state);
  if (total(retries, now) + 1 <= MIN_RETRIES + total(requests, now) * SHARE)
    return [...actions, act('Attempts.tryRetry', 'gateway', start(true))];
  const refuse = act('RetryBudget.tryRetry (refused)', 'gateway', (next) => settle(next, 'no budget'));
  return [...actions, refuse];
}
