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

const CUT = new UpstreamDisconnectedException('a-service', 'response_body', new Error('cut'));
const RESET = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
const REFUSED = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

const headOf = (headers: readonly string[], status = 200, contentLength = -1): ResponseHead => ({
  status,
  phrase: 'OK',
  headers: [...headers],
  contentLength,
  isChunked: contentLength === -1,
  isPersistent: true,
  keepAliveMs: Infinity,
});
const EVENTS = headOf(['Content-Type', 'text/event-stream; charset=utf-8']);

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
function cutStream(origins: readonly string[] = ['a', 'b']) {
  const instances = origins.map((origin) => new FakeInstance(origin));
  const breaker = new CircuitBreaker(5_000, () => {});
  const retryBudget = new RetryBudget(0);
  const failed = jest.fn();
  const upstream: AttemptedUpstream & InstancePicker = {
    breaker,
    retryBudget,
    pick: (tried) =>
      instances.find((each) => !each.isFull && !tried.includes(each as unknown as Instance)) as
        Instance | undefined,
    failed,
  };
  const attempts = new Attempts(upstream, upstream, breaker.tryAcquire(0)!, 2);
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
function connect(call: Attempt, isReused = false): jest.Mock {
  const cancel = jest.fn();
  call.onConnection({ isReused, pause: () => {}, resume: () => {}, cancel });
  return cancel;
}

const callsOf = (instances: readonly FakeInstance[]): number[] => instances.map(({ calls }) => calls.length);

/** Lets each try fail at once. @param isSent whether its connection is open before @returns their number */
function failAll(instances: readonly FakeInstance[], ms: number, isSent = true): number {
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

describe('a cut event stream', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('asks another instance at once, and goes on with its response', () => {
    const { forward, delivery, instances, resume, attempts } = cutStream();
    jest.advanceTimersByTime(0);
    const [call] = instances[1]!.calls;

    call!.onHead(EVENTS);
    call!.onBody(Buffer.from('data'), false);
    call!.onEnd([]);

    expect([callsOf(instances), instances.map(({ activeRequests }) => activeRequests)]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(forward.attempt).toBe(call);
    expect(delivery.onResumed).toHaveBeenCalledTimes(1);
    expect([forward.onBody.mock.calls.length, forward.onEnd.mock.calls.length]).toEqual([1, 1]);
    expect([resume.isActive, attempts.count]).toEqual([false, 2]);
  });

  it('asks the same instance if there is no other, after a moment', () => {
    const { instances } = cutStream(['a']);
    jest.advanceTimersByTime(49);
    expect(callsOf(instances)).toEqual([0]);
    jest.advanceTimersByTime(51);
    expect(callsOf(instances)).toEqual([1]);
  });

  it.each([
    ['a failure', headOf([], 500)],
    ['no events', headOf(['Content-Type', 'text/plain'])],
    ['nothing', headOf([], 204)],
    ['encoded events', headOf(['Content-Type', 'text/event-stream', 'Content-Encoding', 'gzip'])],
    ['events with a length', headOf(['Content-Type', 'text/event-stream'], 200, 10)],
  ])('ends whole if the response is %s', (_what, head) => {
    const { delivery, instances } = cutStream();
    jest.advanceTimersByTime(0);

    instances[1]!.calls[0]!.onHead(head);

    expect(delivery.finishEarly).toHaveBeenCalledWith(CUT);
    expect(delivery.onResumed).not.toHaveBeenCalled();
  });

  it('tries again after an instance that is unavailable, and leaves its connection', () => {
    const { delivery, instances } = cutStream();
    jest.advanceTimersByTime(0);

    instances[1]!.calls[0]!.onHead(headOf([], 503));
    expect(instances[1]!.cancelled).toHaveLength(1);
    jest.advanceTimersByTime(100);

    expect(callsOf(instances)).toEqual([1, 1]);
    expect(delivery.finishEarly).not.toHaveBeenCalled();
  });

  it('tries with waits that grow to 2 s, as the retry budget allows, and ends whole after 30 s', () => {
    const { delivery, instances, resume, retryBudget } = cutStream();

    const tries = failAll(instances, 29_900);
    expect(retryBudget.retriesTotal).toBe(tries - 1);
    resume.tick(performance.now());
    expect(delivery.finishEarly).not.toHaveBeenCalled();
    jest.advanceTimersByTime(100);
    resume.tick(performance.now());

    expect(delivery.finishEarly).toHaveBeenCalledWith(CUT);
    // 100, 200, 400, 800 and 1600 ms, then 2 s, each by a random part of a half shorter.
    expect(tries).toBeGreaterThan(15);
    expect(tries).toBeLessThan(40);
  });

  it('makes no try without budget but the first', () => {
    const { instances, retryBudget } = cutStream();
    const spend = setInterval(() => {
      while (retryBudget.tryRetry(performance.now(), false));
    }, 10);
    while (retryBudget.tryRetry(performance.now(), false));

    expect(failAll(instances, 4_000)).toBe(1);

    clearInterval(spend);
    expect(retryBudget.refusedTotal).toBe(1);
  });

  it('charges tries that could not be sent to nobody, and tells the instance alone of them', () => {
    const { instances, breaker, retryBudget, failed } = cutStream(['a']);
    const report = jest.spyOn(breaker, 'report');
    const addRequest = jest.spyOn(retryBudget, 'addRequest');

    const tries = failAll(instances, 20_000, false);

    expect(tries).toBeGreaterThan(10);
    expect(failed.mock.calls.map(([, kind]) => kind as string)).toEqual(Array(tries).fill('connect'));
    expect(new Set(report.mock.calls.map(([outcome]) => outcome))).toEqual(new Set(['ignored']));
    expect([addRequest.mock.calls.length, retryBudget.retriesTotal]).toEqual([1, 0]);
    // The first that is sent is the request, each further one a retry.
    const sent = failAll(instances, 5_000);
    expect([addRequest.mock.calls.length, retryBudget.retriesTotal]).toEqual([1, sent - 1]);
  });

  it('makes no try while the circuit breaker is open', () => {
    const { instances, breaker } = cutStream();
    for (let index = 0; index < 30; index++) breaker.report('failed', performance.now(), 0);
    expect(breaker.state).toBe('open');

    expect(failAll(instances, 4_000)).toBe(0);
  });

  it('counts each try in the circuit breaker', () => {
    const { instances, breaker } = cutStream();
    const report = jest.spyOn(breaker, 'report');
    const tries = failAll(instances, 2_000);
    expect(report.mock.calls.filter(([outcome]) => outcome === 'failed')).toHaveLength(tries);
  });

  it('waits for its client to read before it tries', () => {
    const { delivery, instances } = cutStream();
    delivery.isPaused = true;
    jest.advanceTimersByTime(5_000);
    expect(callsOf(instances)).toEqual([0, 0]);

    delivery.isPaused = false;
    jest.advanceTimersByTime(2_000);

    expect(callsOf(instances)).toEqual([0, 1]);
  });

  it('leaves an instance that sends no head in time', () => {
    const { instances, resume, breaker } = cutStream();
    const report = jest.spyOn(breaker, 'report');
    jest.advanceTimersByTime(0);
    const cancel = connect(instances[1]!.calls[0]!);
    jest.advanceTimersByTime(3_001);

    resume.tick(performance.now());
    jest.advanceTimersByTime(100);

    expect([cancel.mock.calls.length, report.mock.calls[0]?.[0]]).toEqual([1, 'failed']);
    expect(callsOf(instances)).toEqual([1, 1]);
  });

  it('waits for a connection as long as its interruption may last, at the cost of nobody', () => {
    const { instances, resume, breaker, delivery, failed } = cutStream();
    const report = jest.spyOn(breaker, 'report');
    jest.advanceTimersByTime(20_000);
    resume.tick(performance.now());
    expect(instances[1]!.cancelled).toHaveLength(0);

    // It has one now, and all of its time.
    connect(instances[1]!.calls[0]!);
    resume.tick(performance.now());
    expect([report, failed].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);

    jest.advanceTimersByTime(10_000);
    resume.tick(performance.now());
    expect(delivery.finishEarly).toHaveBeenCalledWith(CUT);
  });

  it('stops with the exchange', () => {
    const { instances, resume } = cutStream();
    jest.advanceTimersByTime(0);

    resume.stop();
    jest.advanceTimersByTime(60_000);

    expect(instances[1]!.cancelled).toHaveLength(1);
    expect(callsOf(instances)).toEqual([0, 1]);
    expect(resume.isActive).toBe(false);
  });

  it.each([
    ['asks at once behind a new event after a long life', 5_001, '2', [1, 0]],
    ['asks at once without a new event after a long life', 60_000, '1', [1, 0]],
    ['waits behind a new event after a short life, without a retry', 4_000, '2', [0, 0]],
    ['goes on with the same interruption, and so retries, without a new event', 4_000, '1', [0, 1]],
  ])('%s', (_what, lifeMs, lastEventId, [atOnce, retries]) => {
    const { instances, resume, retryBudget, delivery } = cutStream();
    jest.advanceTimersByTime(0);
    instances[1]!.calls[0]!.onHead(EVENTS);
    jest.advanceTimersByTime(lifeMs);

    resume.begin(CUT, lastEventId);
    jest.advanceTimersByTime(0);
    expect(callsOf(instances)).toEqual([atOnce, 1]);
    jest.advanceTimersByTime(200);
    resume.tick(performance.now());

    expect(delivery.finishEarly).not.toHaveBeenCalled();
    expect(callsOf(instances)).toEqual([1, 1]);
    expect(retryBudget.retriesTotal).toBe(retries);
  });

  it('goes on once, if a try behind its second cut has to wait for the client', () => {
    const { delivery, instances, forward, resume } = cutStream();
    jest.advanceTimersByTime(0);
    instances[1]!.calls[0]!.onHead(EVENTS);
    jest.advanceTimersByTime(60_000);
    delivery.isPaused = true;
    resume.begin(CUT, '2');
    for (let index = 0; index < 6; index++) {
      jest.advanceTimersByTime(500);
      resume.tick(performance.now());
    }
    expect(jest.getTimerCount()).toBe(1);

    delivery.isPaused = false;
    jest.advanceTimersByTime(2_000);
    instances[0]!.calls[0]!.onHead(EVENTS);
    jest.advanceTimersByTime(4_000);

    expect(callsOf(instances)).toEqual([1, 1]);
    expect(delivery.onResumed).toHaveBeenCalledTimes(2);
    expect([jest.getTimerCount(), forward.attempt]).toEqual([0, instances[0]!.calls[0]]);
  });

  it.each<[string, (call: Attempt) => void]>([
    ['breaks', (call) => call.onError(RESET)],
    ['has a 408', (call) => call.onHead(headOf([], 408, 0))],
  ])('asks at once over a new connection, at no cost, if a pooled one %s', (_how, end) => {
    const { instances, retryBudget, breaker } = cutStream();
    const report = jest.spyOn(breaker, 'report');
    jest.advanceTimersByTime(0);
    expect(instances[1]!.fresh).toBe(0);
    const [call] = instances[1]!.calls;

    connect(call!, true);
    end(call!);

    expect([callsOf(instances), instances[0]!.fresh, retryBudget.retriesTotal]).toEqual([[1, 1], 1, 0]);
    expect(report.mock.calls.map(([outcome]) => outcome)).toEqual(['ignored']);
    // A new one that breaks is a failure.
    connect(instances[0]!.calls[0]!);
    instances[0]!.calls[0]!.onError(RESET);
    expect([callsOf(instances), report.mock.calls[1]?.[0]]).toEqual([[1, 1], 'failed']);
  });

  it('tells the forward of a cut of the next response', () => {
    const { instances, forward } = cutStream();
    jest.advanceTimersByTime(0);
    instances[1]!.calls[0]!.onHead(EVENTS);

    instances[1]!.calls[0]!.onError(RESET);

    expect(forward.onError).toHaveBeenCalledWith(RESET);
  });
});
