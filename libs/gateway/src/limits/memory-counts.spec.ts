import { MemoryCounts } from './memory-counts.js';

describe('counts in memory', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('start at 0 in each window, which begins with the first count', () => {
    const counts = new MemoryCounts(60_000, 10);

    expect(counts.add('a', 1)).toEqual({ consumed: 1, msBeforeNext: 60_000 });
    jest.advanceTimersByTime(59_999);
    expect(counts.add('a', 2)).toEqual({ consumed: 3, msBeforeNext: 1 });
    jest.advanceTimersByTime(1);
    expect(counts.add('a', 1)).toEqual({ consumed: 1, msBeforeNext: 60_000 });
  });

  it('do not depend on the system clock', () => {
    const counts = new MemoryCounts(60_000, 10);
    counts.add('a', 1);

    jest.setSystemTime(86_400_000);

    expect(counts.add('a', 1).consumed).toBe(2);
  });

  it('are removed once, and are 0 after their window', () => {
    const counts = new MemoryCounts(60_000, 10);
    counts.add('a', 5);
    counts.add('b', 5);

    expect([counts.remove('a'), counts.remove('a'), counts.remove('c')]).toEqual([5, 0, 0]);
    jest.advanceTimersByTime(60_000);
    expect(counts.remove('b')).toBe(0);
  });

  it('have all points, and give back those that Redis lacks', () => {
    const counts = new MemoryCounts(60_000, 10);
    counts.add('a', 3, 0);

    expect(counts.add('a', 2).consumed).toBe(5);
    expect(counts.remove('a')).toBe(2);
  });

  it('are bounded: of too many keys, the key used least recently is forgotten', () => {
    const counts = new MemoryCounts(60_000, 2);
    for (const key of ['a', 'b', 'a', 'c']) counts.add(key, 1);

    expect(counts.add('a', 1).consumed).toBe(3);
    expect(counts.add('b', 1).consumed).toBe(1);
  });
});
