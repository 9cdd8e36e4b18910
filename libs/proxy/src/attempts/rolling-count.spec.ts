import { RollingCount } from './rolling-count.js';

const WINDOW_MS = 5_000;

const counted = (count: RollingCount, events: number, now: number): void => {
  for (let each = 0; each < events; each++) count.add(now);
};

describe('a rolling count', () => {
  it('is of this window and the one before', () => {
    const count = new RollingCount();
    counted(count, 3, 1_000);
    counted(count, 4, 1_000 + WINDOW_MS);

    expect(count.total(1_000 + WINDOW_MS)).toBe(7);
    expect(count.total(999 + 2 * WINDOW_MS)).toBe(7);
    expect(count.total(1_000 + 2 * WINDOW_MS)).toBe(4);
    expect(count.total(1_000 + 3 * WINDOW_MS)).toBe(0);
  });

  it('has each event for one window at least, and for two at most', () => {
    for (const [ageMs, total] of [
      [WINDOW_MS, 1],
      [2 * WINDOW_MS, 0],
    ] as const) {
      for (let at = 1_000; at < 1_000 + WINDOW_MS; at += 250) {
        const count = new RollingCount();
        count.total(1_000);
        count.add(at);
        // Asked in between, as each request does.
        for (let now = at; now < at + ageMs; now += 100) count.total(now);
        expect([ageMs, at, count.total(at + ageMs)]).toEqual([ageMs, at, total]);
      }
    }
  });

  it('keeps its events for two windows if nothing comes, and no longer', () => {
    for (const [now, total] of [
      [999 + 2 * WINDOW_MS, 3],
      [1_000 + 2 * WINDOW_MS, 0],
    ] as const) {
      const count = new RollingCount();
      counted(count, 3, 1_000);

      expect(count.total(now)).toBe(total);
    }
  });

  it('forgets all after a long silence', () => {
    const count = new RollingCount();
    counted(count, 3, 0);

    expect(count.total(1_000_000)).toBe(0);
    counted(count, 1, 1_000_000);
    expect(count.total(1_000_000)).toBe(1);
  });

  it('has nothing after it was reset', () => {
    const count = new RollingCount();
    counted(count, 3, 1_000);
    counted(count, 3, 1_000 + WINDOW_MS);

    count.reset();

    expect(count.total(1_000 + WINDOW_MS)).toBe(0);
  });
});
