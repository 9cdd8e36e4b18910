import { CircuitBreaker, type Outcome } from './circuit-breaker.js';

function createBreaker(openMs = 1_000) {
  const changes: string[] = [];
  const breaker = new CircuitBreaker(openMs, (state) => changes.push(state));
  const send = (count: number, outcome: Outcome, now = 0): boolean[] =>
    Array.from({ length: count }, () => {
      const generation = breaker.tryAcquire(now);
      if (generation !== undefined) breaker.report(outcome, now, generation);
      return generation !== undefined;
    });
  const acquires = (now: number): boolean => breaker.tryAcquire(now) !== undefined;
  return { breaker, changes, send, acquires };
}

describe('a circuit breaker', () => {
  it('opens once half of enough requests failed, and not before', () => {
    const { breaker, changes, send, acquires } = createBreaker();

    send(10, 'succeeded');
    send(9, 'failed');
    expect(breaker.state).toBe('closed');
    send(1, 'failed');

    expect(changes).toEqual(['open']);
    expect(acquires(999)).toBe(false);
    expect(breaker.retryAfterSeconds(0)).toBe(1);
  });

  it('stays closed while fewer than half fail', () => {
    const { breaker, send } = createBreaker();

    send(101, 'succeeded');
    send(100, 'failed');
    expect(breaker.state).toBe('closed');
    send(1, 'failed');

    expect(breaker.state).toBe('open');
  });

  it('tells in whole seconds, one at least, when the next probes pass', () => {
    const { breaker, send } = createBreaker(2_500);
    send(20, 'failed');

    expect([0, 500, 501, 2_499, 9_000].map((now) => breaker.retryAfterSeconds(now))).toEqual([3, 2, 2, 1, 1]);
  });

  it('forgets what is long past', () => {
    const { breaker, send } = createBreaker();

    send(19, 'failed', 0);
    send(1, 'succeeded', 20_000);
    send(1, 'failed', 20_000);

    expect(breaker.state).toBe('closed');
  });

  it('lets a few probes pass after a time, and closes once all have a response', () => {
    const { breaker, changes, send } = createBreaker();
    send(20, 'failed');

    const generations = [1, 2, 3, 4].map(() => breaker.tryAcquire(1_000));
    expect(generations.map((generation) => generation !== undefined)).toEqual([true, true, true, false]);
    for (const generation of generations.slice(0, 3)) breaker.report('succeeded', 1_000, generation!);

    expect(changes).toEqual(['open', 'half-open', 'closed']);
    expect(send(5, 'failed', 1_000)).toEqual([true, true, true, true, true]);
  });

  it('begins anew once it has closed: its counts, and the probes of the next round', () => {
    const { breaker, changes, send } = createBreaker();
    send(30, 'succeeded');
    send(30, 'failed');
    send(3, 'succeeded', 1_000);

    send(19, 'failed', 1_000);
    expect(breaker.state).toBe('closed');
    send(1, 'failed', 1_000);
    send(2, 'succeeded', 2_000);
    expect(breaker.state).toBe('half-open');
    send(1, 'succeeded', 2_000);

    expect(changes).toEqual(['open', 'half-open', 'closed', 'open', 'half-open', 'closed']);
  });

  it('opens again if one of them fails', () => {
    const { changes, send, acquires } = createBreaker();
    send(20, 'failed');
    send(1, 'failed', 1_000);

    expect(changes).toEqual(['open', 'half-open', 'open']);
    expect([acquires(1_999), acquires(2_000)]).toEqual([false, true]);
  });

  it('lets a few more probes pass if the first are in progress for long', () => {
    const { send, acquires } = createBreaker();
    send(20, 'failed');

    expect([1_000, 1_000, 1_000, 1_999, 2_000, 2_000, 2_000, 2_001].map(acquires)).toEqual([
      true,
      true,
      true,
      false,
      true,
      true,
      true,
      false,
    ]);
  });

  it.each(['succeeded', 'failed', 'ignored'] as const)(
    'does not take for a probe what was sent before, and %s now',
    (outcome) => {
      const { breaker, send, acquires } = createBreaker();
      const before = breaker.tryAcquire(0)!;
      send(20, 'failed');
      acquires(1_000);

      for (let each = 0; each < 10; each++) breaker.report(outcome, 1_000, before);

      expect(breaker.state).toBe('half-open');
      expect([1, 2, 3].map(() => acquires(1_000))).toEqual([true, true, false]);
    },
  );

  it('lets no more probes pass in a round after probes of an earlier round said nothing', () => {
    const { breaker, send, acquires } = createBreaker();
    send(20, 'failed');
    const earlier = [1, 2, 3].map(() => breaker.tryAcquire(1_000)!);
    expect(acquires(2_000)).toBe(true);

    for (const generation of earlier) breaker.report('ignored', 2_000, generation);

    expect([1, 2, 3, 4].map(() => acquires(2_000))).toEqual([true, true, true, false]);
  });

  it('does not count those that said nothing of the service', () => {
    const { breaker, send } = createBreaker();
    send(100, 'ignored');
    expect(breaker.state).toBe('closed');
    send(20, 'failed');

    expect(send(10, 'ignored', 1_000)).not.toContain(false);
  });
});
