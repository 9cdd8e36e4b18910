import { Hysteresis } from './hysteresis.js';

const OPTIONS = { limit: 100, clearRatio: 0.8, tripAfter: 2, clearAfter: 3 };

/** Whether the alarm is raised after each of the values. */
function statesAfter(values: readonly number[]): boolean[] {
  const alarm = new Hysteresis(OPTIONS);
  return values.map((value) => {
    alarm.update(value);
    return alarm.isTripped;
  });
}

describe('Alarm', () => {
  it('rises by as many values as it is told, the limit itself included', () => {
    expect(statesAfter([99, 100, 99, 100])).toEqual([false, false, false, true]);
  });

  it('rises though values that are too much alternate with calm ones', () => {
    expect(statesAfter([100, 0, 0, 100])).toEqual([false, false, false, true]);
  });

  it('forgets a value that was too much after as many calm ones in a row as end it', () => {
    expect(statesAfter([100, 0, 0, 0, 100, 0, 0, 0, 100])).toEqual(Array(9).fill(false));
  });

  it('falls by as many calm values in a row, and none between calm and limit counts', () => {
    expect(statesAfter([100, 100, 79, 79, 80, 79, 79, 79])).toEqual([
      false,
      true,
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('says of each value whether it changed anything', () => {
    const alarm = new Hysteresis({ ...OPTIONS, clearAfter: 1 });

    expect([100, 100, 100, 0, 0].map((value) => alarm.update(value))).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('is raised at once where somebody says so, once', () => {
    const alarm = new Hysteresis(OPTIONS);

    expect([alarm.trip(), alarm.trip()]).toEqual([true, false]);
    expect(alarm.isTripped).toBe(true);
  });
});
