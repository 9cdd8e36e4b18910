import { Ticker, type Ticking } from './ticker.js';

const TICK_MS = 100;

/** Writes down when it was told to look, and how long after the time before. */
class Witness implements Ticking {
  slot = -1;
  readonly ticks: [number, number][] = [];

  tick(now: number, elapsedMs: number): void {
    this.ticks.push([now, elapsedMs]);
  }
}

describe('Ticker', () => {
  let ticker: Ticker;
  let start: number;
  beforeEach(() => {
    jest.useFakeTimers();
    start = performance.now();
    ticker = new Ticker(TICK_MS);
  });
  afterEach(() => {
    ticker.stop();
    jest.useRealTimers();
  });

  it('lets each look at its clocks once a tick, not before', () => {
    const [one, other] = [new Witness(), new Witness()];
    ticker.add(one);
    ticker.add(other);
    ticker.add(one);

    jest.advanceTimersByTime(TICK_MS - 1);
    expect(one.ticks).toEqual([]);
    jest.advanceTimersByTime(TICK_MS + 1);
    expect(one.ticks).toEqual([
      [start + 100, 100],
      [start + 200, 100],
    ]);
    expect(other.ticks).toEqual(one.ticks);
  });

  it('counts from the last tick, also for who came between two', () => {
    const late = new Witness();

    jest.advanceTimersByTime(1.5 * TICK_MS);
    ticker.add(late);
    jest.advanceTimersByTime(0.5 * TICK_MS);
    expect(late.ticks).toEqual([[start + 200, 100]]);
  });

  it('leaves in peace who was taken out, and who never was in', () => {
    const [gone, kept] = [new Witness(), new Witness()];
    ticker.add(gone);
    ticker.add(kept);
    ticker.delete(gone);
    ticker.delete(new Witness());

    jest.advanceTimersByTime(TICK_MS);
    expect(gone.ticks).toEqual([]);
    expect(kept.ticks).toHaveLength(1);
  });

  it('lets one that looks take itself and another out, and passes by none', () => {
    const [before, victim, after] = [new Witness(), new Witness(), new Witness()];
    const ending: Ticking = {
      slot: -1,
      tick: () => {
        ticker.delete(ending);
        ticker.delete(victim);
      },
    };
    for (const each of [before, ending, victim, after]) ticker.add(each);

    jest.advanceTimersByTime(TICK_MS);
    expect([before, victim, after].map(({ ticks }) => ticks.length)).toEqual([1, 0, 1]);
  });

  it('stands still once stopped', () => {
    const witness = new Witness();
    ticker.add(witness);
    ticker.stop();

    jest.advanceTimersByTime(10 * TICK_MS);
    expect(witness.ticks).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('keeps no process alive', () => {
    jest.useRealTimers();
    const timeouts = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timeouts();
    const real = new Ticker(60_000);

    expect(timeouts()).toBe(before);
    real.stop();
  });
});
