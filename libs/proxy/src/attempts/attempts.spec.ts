import type { Instance } from '../balancing/instance.js';
import { Attempts, type AttemptFailure, type AttemptedUpstream, type InstancePicker } from './attempts.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import { RetryBudget } from './retry-budget.js';

const NOW = 5_000;
const RESET: AttemptFailure = { kind: 'reset', canRetry: true, isStale: false };
const STALE: AttemptFailure = { kind: 'reset', canRetry: true, isStale: true };

class FakeInstance {
  activeRequests = 0;
  successes = 0;
  readonly health = { isUp: true, succeeded: () => this.successes++ };

  constructor(readonly origin: string) {}
}

/** An upstream whose load balancer takes the first instance that was not tried. */
function createUpstream(origins: readonly string[], share = 0.2) {
  const instances = origins.map((origin) => new FakeInstance(origin));
  const reports: string[] = [];
  /** What the breaker lets pass next. */
  const generations: { next: number | undefined } = { next: 8 };
  const failures: string[] = [];
  const upstream: AttemptedUpstream & InstancePicker = {
    breaker: {
      tryAcquire: () => generations.next,
      report: (outcome: string, now: number, generation: number) =>
        reports.push(`${outcome} at ${now} of ${generation}`),
    } as unknown as CircuitBreaker,
    retryBudget: new RetryBudget(share),
    maxRetries: 2,
    pick(tried) {
      const found = instances.find((instance) => !tried.includes(instance as unknown as Instance));
      if (!found && tried.length === 0) throw new Error('no instance has room');
      return found as unknown as Instance | undefined;
    },
    failed: (instance, kind) => failures.push(`${instance.origin} ${kind}`),
  };
  const begin = (maxRetries = 2): Attempts => {
    const attempts = new Attempts({ ...upstream, maxRetries }, upstream, undefined, 7);
    attempts.startFirst(NOW);
    return attempts;
  };
  const active = () => instances.map(({ activeRequests }) => activeRequests);
  const exhaustBudget = (): void => {
    while (upstream.retryBudget.tryRetry(NOW, false)) continue;
  };
  return { upstream, instances, generations, reports, failures, begin, active, exhaustBudget };
}

describe('the attempts of a request', () => {
  it('begin at an instance, which counts the request until its end', () => {
    const { begin, active } = createUpstream(['a', 'b']);
    const attempts = begin();
    expect([attempts.count, attempts.instance.origin, active()]).toEqual([1, 'a', [1, 0]]);

    attempts.end(NOW);
    attempts.end(NOW);

    expect(active()).toEqual([0, 0]);
  });

  it('count at no instance if none has room', () => {
    const { upstream, active, reports } = createUpstream([]);
    const attempts = new Attempts(upstream, upstream, undefined, 7);

    expect(() => attempts.startFirst(NOW)).toThrow('no instance has room');
    attempts.end(NOW);

    expect([attempts.count, active(), reports]).toEqual([0, [], ['ignored at 5000 of 7']]);
  });

  it('go to an instance that was not tried, and leave the other', () => {
    const { begin, active, failures } = createUpstream(['a', 'b', 'c']);
    const attempts = begin();

    expect(attempts.tryRetry(RESET, NOW)).toBe(true);
    expect([attempts.instance.origin, active()]).toEqual(['b', [0, 1, 0]]);
    expect(attempts.tryRetry({ ...RESET, kind: 'timeout' }, NOW)).toBe(true);

    expect([attempts.count, attempts.instance.origin, active()]).toEqual([3, 'c', [0, 0, 1]]);
    expect(failures).toEqual(['a reset', 'b timeout']);
  });

  it.each([
    ['the last attempt has failed', ['a', 'b'], 0, RESET],
    ['the request may not be sent again', ['a', 'b'], 2, { ...RESET, canRetry: false }],
    ['every instance was tried', ['a'], 2, RESET],
    ['the last attempt has failed on a stale connection', ['a', 'b'], 0, STALE],
    [
      'a stale connection has a request that may not be sent again',
      ['a', 'b'],
      2,
      { ...STALE, canRetry: false },
    ],
  ] as const)('end if %s, whose instance is told', (_what, origins, maxRetries, failure) => {
    const { upstream, begin, active, failures } = createUpstream(origins);
    const attempts = begin(maxRetries);

    expect(attempts.tryRetry(failure, NOW)).toBe(false);

    expect([attempts.count, active()[0], failures]).toEqual([1, 1, ['a reset']]);
    expect(upstream.retryBudget.retriesTotal).toBe(0);
  });

  it('tell no instance of a failure that it did not cause', () => {
    const { begin, failures } = createUpstream(['a', 'b']);

    expect(begin().tryRetry({ ...RESET, kind: undefined }, NOW)).toBe(true);

    expect(failures).toEqual([]);
  });

  it('end if the retry budget is spent, which counts one refusal of each request', () => {
    const { upstream, begin, exhaustBudget, active } = createUpstream(['a', 'b', 'c']);
    exhaustBudget();
    const [one, other] = [begin(), begin()];

    const retried = [one, one, one, other].map((attempts) => attempts.tryRetry(RESET, NOW));

    expect(retried).toEqual([false, false, false, false]);
    expect([upstream.retryBudget.refusedTotal, active()]).toEqual([2, [2, 0, 0]]);
  });

  it('go on after a stale connection at the same instance if the upstream keeps it, and then at another', () => {
    const { upstream, active } = createUpstream(['a', 'b']);
    const attempts = new Attempts(upstream, { ...upstream, keepsInstance: true }, undefined, 7);
    attempts.startFirst(NOW);

    expect(attempts.tryRetry(STALE, NOW)).toBe(true);
    expect([attempts.instance.origin, active()]).toEqual(['a', [1, 0]]);
    expect(attempts.tryRetry(RESET, NOW)).toBe(true);
    expect([attempts.instance.origin, active()]).toEqual(['b', [0, 1]]);
  });

  it('go on after a stale connection without budget, at another instance', () => {
    const { upstream, begin, exhaustBudget } = createUpstream(['a', 'b']);
    exhaustBudget();
    const spent = upstream.retryBudget.retriesTotal;
    const attempts = begin();

    expect(attempts.tryRetry(STALE, NOW)).toBe(true);

    expect(attempts.instance.origin).toBe('b');
    expect([upstream.retryBudget.retriesTotal, upstream.retryBudget.refusedTotal]).toEqual([spent, 0]);
  });

  it('go on after a stale connection at the same instance if there is no other, and count there once', () => {
    const { begin, active } = createUpstream(['a']);
    const attempts = begin();

    expect(attempts.tryRetry(STALE, NOW)).toBe(true);
    expect([attempts.count, active()]).toEqual([2, [1]]);
    attempts.end(NOW);

    expect(active()).toEqual([0]);
  });
});

describe('an attempt that goes on with a response', () => {
  it('goes to another instance, and tells the breaker of its own outcome', () => {
    const { begin, active, reports, upstream } = createUpstream(['a', 'b']);
    const attempts = begin();
    attempts.succeeded(NOW);

    expect(attempts.tryResume('request', NOW)).toBe(true);
    expect([attempts.instance.origin, active(), attempts.count]).toEqual(['b', [0, 1], 2]);
    attempts.report('failed', NOW);

    expect(reports).toEqual([`succeeded at ${NOW} of 7`, `failed at ${NOW} of 8`]);
    expect(upstream.retryBudget.retriesTotal).toBe(0);
    expect(attempts.tryResume('retry', NOW)).toBe(true);
    expect([attempts.instance.origin, active()]).toEqual(['a', [1, 0]]);
    expect(upstream.retryBudget.retriesTotal).toBe(1);
  });

  it('goes to the same instance if there is no other', () => {
    const { begin, active } = createUpstream(['a']);
    const attempts = begin();
    expect(attempts.isOtherNext(NOW)).toBe(false);
    expect(attempts.tryResume('request', NOW)).toBe(true);
    expect([attempts.instance.origin, active()]).toEqual(['a', [1]]);
  });

  it('goes to the same instance first if the picker keeps it, unless it is down, and then to another', () => {
    const { upstream, instances } = createUpstream(['a', 'b']);
    const begin = (): Attempts => {
      const attempts = new Attempts(upstream, { ...upstream, keepsInstance: true }, undefined, 7);
      attempts.startFirst(NOW);
      return attempts;
    };
    const attempts = begin();
    expect(attempts.isOtherNext(NOW)).toBe(false);
    const origins = (['request', 'nothing', 'retry'] as const).map((charge) => {
      attempts.tryResume(charge, NOW);
      return attempts.instance.origin;
    });
    expect(origins).toEqual(['a', 'b', 'a']);

    const other = begin();
    instances[0]!.health.isUp = false;
    other.tryResume('request', NOW);
    expect(other.instance.origin).toBe('b');
  });

  it('does not begin while the breaker is open', () => {
    const { begin, active, generations, reports } = createUpstream(['a', 'b']);
    generations.next = undefined;
    const attempts = begin();
    attempts.succeeded(NOW);
    expect(attempts.tryResume('request', NOW)).toBe(false);
    expect([active(), reports]).toEqual([[0, 0], [`succeeded at ${NOW} of 7`]]);
  });

  it('does not begin without budget, and gives the permit of the breaker back', () => {
    const { begin, active, exhaustBudget, reports } = createUpstream(['a', 'b']);
    exhaustBudget();
    const attempts = begin();
    attempts.succeeded(NOW);
    expect(attempts.tryResume('retry', NOW)).toBe(false);
    expect([active(), reports[1]]).toEqual([[0, 0], `ignored at ${NOW} of 8`]);
  });

  it.each(['isFull', 'isRemoved'])('does not begin if the only instance %s', (state) => {
    const { begin, instances, reports } = createUpstream(['a']);
    const attempts = begin();
    attempts.succeeded(NOW);
    Object.assign(instances[0]!, { [state]: true });
    expect(attempts.tryResume('request', NOW)).toBe(false);
    expect(reports[1]).toBe(`ignored at ${NOW} of 8`);
  });
});

describe('the outcome of a request', () => {
  it('is told to the instance and the breaker if it succeeded', () => {
    const { begin, instances, reports } = createUpstream(['a', 'b']);
    const attempts = begin();
    attempts.tryRetry(RESET, NOW);

    attempts.succeeded(6_000);
    attempts.end(7_000);

    expect(instances.map(({ successes }) => successes)).toEqual([0, 1]);
    expect(reports).toEqual(['succeeded at 6000 of 7']);
  });

  it.each([
    ['failed', 'failed'],
    ['ignored', 'ignored'],
    [undefined, 'ignored'],
  ] as const)('is told to the breaker once: %s as %s', (outcome, told) => {
    const { begin, reports } = createUpstream(['a']);
    const attempts = begin();

    if (outcome) attempts.report(outcome, NOW);
    attempts.report(outcome ?? 'ignored', NOW);
    attempts.succeeded(NOW);
    attempts.end(NOW);

    expect(reports).toEqual([`${told} at ${NOW} of 7`]);
  });
});
