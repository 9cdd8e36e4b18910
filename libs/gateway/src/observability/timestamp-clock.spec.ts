import { TimestampClock } from './timestamp-clock.js';

describe('the clock of log lines', () => {
  afterEach(() => jest.useRealTimers());

  it('follows the time, also when the system sets it back', () => {
    jest.useFakeTimers();
    const clock = new TimestampClock();

    const texts = [1_000, 1_000, 1_001, 999, 1_000].map((now) => {
      jest.setSystemTime(now);
      return clock.now();
    });

    expect(texts).toEqual([1_000, 1_000, 1_001, 999, 1_000].map((now) => new Date(now).toISOString()));
  });
});
