import { CircuitBreaker } from './circuit-breaker.js';

function createBreaker() {
  const changes: string[] = [];
  const breaker = new CircuitBreaker(1_000, (state) => changes.push(state));
  const send = (count: number, outcome: 'answered' | 'failed' | 'ignored', now = 0): boolean[] =>
    Array.from({ length: count }, () => {
      const admits = breaker.admits(now);
      if (admits) breaker[outcome](now);
      return admits;
    });
  return { breaker, changes, send };
}

describe('a circuit breaker', () => {
  it('opens once half of enough requests failed, and not before', () => {
    const { breaker, changes, send } = createBreaker();

    send(10, 'answered');
    send(9, 'failed');
    expect(breaker.state).toBe('closed');
    send(1, 'failed');

    expect(changes).toEqual(['open']);
    expect(breaker.admits(999)).toBe(false);
    expect(breaker.retryAfterSeconds(0)).toBe(1);
  });

  it('forgets what is long past', () => {
    const { breaker, send } = createBreaker();

    send(19, 'failed', 0);
    send(1, 'answered', 20_000);
    send(1, 'failed', 20_000);

    expect(breaker.state).toBe('closed');
  });

  it('lets a few try after a time, and closes where all have an answer', () => {
    const { breaker, changes, send } = createBreaker();
    send(20, 'failed');

    expect([1, 2, 3, 4].map(() => breaker.admits(1_000))).toEqual([true, true, true, false]);
    for (let each = 0; each < 3; each++) breaker.answered(1_000);

    expect(changes).toEqual(['open', 'half-open', 'closed']);
    expect(send(5, 'failed', 1_000)).toEqual([true, true, true, true, true]);
  });

  it('opens again where one of them fails', () => {
    const { breaker, changes, send } = createBreaker();
    send(20, 'failed');
    send(1, 'failed', 1_000);

    expect(changes).toEqual(['open', 'half-open', 'open']);
    expect([breaker.admits(1_999), breaker.admits(2_000)]).toEqual([false, true]);
  });

  it('does not count those that said nothing of the service', () => {
    const { breaker, send } = createBreaker();
    send(100, 'ignored');
    expect(breaker.state).toBe('closed');
    send(20, 'failed');

    expect(send(10, 'ignored', 1_000)).not.toContain(false);
  });
});
