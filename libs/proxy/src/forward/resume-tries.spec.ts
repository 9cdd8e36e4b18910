import { CUT, cutStream, failAll } from './cut-stream.testing.js';

describe('the tries to resume an event stream', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

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
});
