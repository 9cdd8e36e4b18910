import type { Attempt } from '../attempts/attempt.js';
import { Attempts, type AttemptedUpstream, type InstancePicker } from '../attempts/attempts.js';
import { CircuitBreaker } from '../attempts/circuit-breaker.js';
import { RetryBudget } from '../attempts/retry-budget.js';
import type { Instance } from '../balancing/instance.js';
import { UpstreamDisconnectedException } from '../http/exceptions.js';
import type { ResponseHead } from '../transport/response-head.js';
import { createMemoryExchange } from '../../../../test/support/memory-exchange.js';
import type { LoopedForward } from './attempt-loop.js';
import { StreamResume } from './stream-resume.js';

export const CUT = new UpstreamDisconnectedException('a-service', 'response_body', new Error('cut'));
export const RESET = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
const REFUSED = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

export const headOf = (headers: readonly string[], status = 200, contentLength = -1): ResponseHead => ({
  status,
  phrase: 'OK',
  headers: [...headers],
  contentLength,
  isChunked: contentLength === -1,
  isPersistent: true,
  keepAliveMs: Infinity,
});
export const EVENTS = headOf(['Content-Type', 'text/event-stream; charset=utf-8']);

/** An instance that keeps the attempts that it gets. */
class FakeInstance {
  activeRequests = 0;
  isFull = false;
  readonly calls: Attempt[] = [];
  /** Calls over connections that have not served yet. */
  fresh = 0;
  readonly cancelled: unknown[] = [];
  readonly health = { succeeded: () => {} };

  constructor(readonly origin: string) {}

  dispatch(call: Attempt): void {
    this.calls.push(call);
  }

  dispatchFresh(call: Attempt): void {
    this.fresh++;
    this.dispatch(call);
  }

  cancel(call: unknown): void {
    this.cancelled.push(call);
  }
}

/** A stream that was cut at its first instance. */
export function cutStream(origins: readonly string[] = ['a', 'b']) {
  const instances = origins.map((origin) => new FakeInstance(origin));
  const breaker = new CircuitBreaker(5_000, () => {});
  const retryBudget = new RetryBudget(0);
  const failed = jest.fn();
  const upstream: AttemptedUpstream & InstancePicker = {
    breaker,
    retryBudget,
    maxRetries: 2,
    pick: (tried) =>
      instances.find((each) => !each.isFull && !tried.includes(each as unknown as Instance)) as
        Instance | undefined,
    failed,
  };
  const attempts = new Attempts(upstream, upstream, undefined, breaker.tryAcquire(0)!);
  attempts.startFirst(0);
  attempts.succeeded(0);
  const delivery = { isPaused: false, finishEarly: jest.fn(), onResumed: jest.fn() };
  const forward = {
    forward: {
      exchange: createMemoryExchange(),
      options: { upstream: 'a-service', limits: { responseHeadersTimeoutMs: 3_000 } },
      delivery,
    } as unknown as LoopedForward,
    attempt: undefined,
    formatHead: () => 'GET /',
    onInterim: jest.fn(),
    onHead: jest.fn(),
    onBody: jest.fn(),
    onEnd: jest.fn(),
    onError: jest.fn(),
  };
  const resume = new StreamResume(forward, attempts);
  resume.begin(CUT, '1');
  return { resume, forward, delivery, attempts, instances, breaker, retryBudget, failed };
}

/** Sends a try over a connection. */
export function connect(call: Attempt, isReused = false): jest.Mock {
  const cancel = jest.fn();
  call.onConnection({ isReused, pause: () => {}, resume: () => {}, cancel });
  return cancel;
}

export const callsOf = (instances: readonly FakeInstance[]): number[] =>
  instances.map(({ calls }) => calls.length);

/** Lets each try fail at once. @param isSent whether its connection is open before @returns their number */
export function failAll(instances: readonly FakeInstance[], ms: number, isSent = true): number {
  let failed = 0;
  for (const until = performance.now() + ms; performance.now() < until;) {
    jest.advanceTimersByTime(50);
    for (const { calls } of instances)
      for (const call of calls.splice(0)) {
        failed++;
        if (isSent) connect(call);
        call.onError(isSent ? RESET : REFUSED);
      }
  }
  return failed;
}
