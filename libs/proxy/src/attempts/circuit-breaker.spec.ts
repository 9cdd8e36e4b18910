import { CircuitBreaker } from './circuit-breaker.js';

function createBreaker() {
  const changes: string[] = [];
  const breaker = new CircuitBreaker(1_000, (state) => changes.push(state));
  const send = (count: number, outcome: 'succeeded' | 'failed' | 'ignored', now = 0): boolean[] =>
    Array.from({ length: count }, () => {
      const admission = breaker.tryAcquire(now);
      if (admission !== undefined) breaker[outcome](now, admission);
      return admission !== undefined;
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

  it('forgets what is long past', () => {
    const { breaker, send } = createBreaker();

    send(19, 'failed', 0);
    send(1, 'succeeded', 20_000);
    send(1, 'failed', 20_000);

    expect(breaker.state).toBe('closed');
  });

  it('lets a few try after a time, and closes where all have an answer', () => {
    const { breaker, changes, send } = createBreaker();
    send(20, 'failed');

    const admissions = [1, 2, 3, 4].map(() => breaker.tryAcquire(1_000));
    expect(admissions.map((admission) => admission !== undefined)).toEqual([true, true, true, false]);
    for (const admission of admissions.slice(0, 3)) breaker.succeeded(1_000, admission!);

    expect(changes).toEqual(['open', 'half-open', 'closed']);
    expect(send(5, 'failed', 1_000)).toEqual([true, true, true, true, true]);
  });

  it('opens again where one of them fails', () => {
    const { changes, send, acquires } = createBreaker();
    send(20, 'failed');
    send(1, 'failed', 1_000);

    expect(changes).toEqual(['open', 'half-open', 'open']);
    expect([acquires(1_999), acquires(2_000)]).toEqual([false, true]);
  });

  it('lets a few more try where the first are long under way', () => {
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
    'does not take for a trial what was sent before, and %s now',
    (outcome) => {
      const { breaker, send, acquires } = createBreaker();
      const before = breaker.tryAcquire(0)!;
      send(20, 'failed');
      acquires(1_000);

      for (let each = 0; each < 10; each++) breaker[outcome](1_000, before);

      expect(breaker.state).toBe('half-open');
      expect([1, 2, 3].map(() => acquires(1_000))).toEqual([true, true, false]);
    },
  );

  it('lets no more probes pass in a round after probes of an earlier round said nothing', () => {
    const { breaker, send, acquires } = createBreaker();
    send(20, 'failed');
    const earlier = [1, 2, 3].map(() => breaker.tryAcquire(1_000)!);
    expect(acquires(2_000)).toBe(true);

    for (const generation of earlier) breaker.ignored(2_000, generation);

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
