import { callsOf, connect, CUT, cutStream, EVENTS, headOf, RESET } from './cut-stream.testing.js';
import type { Attempt } from '../attempts/attempt.js';

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
