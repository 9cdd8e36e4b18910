import { Hysteresis } from './hysteresis.js';

const OPTIONS = { limit: 100, clearRatio: 0.8, tripAfter: 2, clearAfter: 3 };

/** Whether it is tripped after each of the values. */
function statesAfter(values: readonly number[]): boolean[] {
  const hysteresis = new Hysteresis(OPTIONS);
  return values.map((value) => {
    hysteresis.update(value);
    return hysteresis.isTripped;
  });
}

describe('Hysteresis', () => {
  it('trips after as many values at or above the limit as it is told', () => {
    expect(statesAfter([99, 100, 99, 100])).toEqual([false, false, false, true]);
  });

  it('trips though excessive values alternate with calm ones', () => {
    expect(statesAfter([100, 0, 0, 100])).toEqual([false, false, false, true]);
  });

  it('resets the count after as many calm values in a row as clear it', () => {
    expect(statesAfter([100, 0, 0, 0, 100, 0, 0, 0, 100])).toEqual(Array(9).fill(false));
  });

  it('clears after as many calm values in a row, which a value between calm and limit interrupts', () => {
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

  it('tells of each value whether it tripped or cleared', () => {
    const hysteresis = new Hysteresis({ ...OPTIONS, clearAfter: 1 });

    expect([100, 100, 100, 0, 0].map((value) => hysteresis.update(value))).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('trips at once when it is told to, and tells so once', () => {
    const hysteresis = new Hysteresis(OPTIONS);

    expect([hysteresis.trip(), hysteresis.trip()]).toEqual([true, false]);
    expect(hysteresis.isTripped).toBe(true);
  });
  it('clears after a trip that it was told as after any other', () => {
    const hysteresis = new Hysteresis(OPTIONS);
    hysteresis.trip();

    expect([0, 0, 100, 0, 0, 0].map((value) => hysteresis.update(value))).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
  });
});
