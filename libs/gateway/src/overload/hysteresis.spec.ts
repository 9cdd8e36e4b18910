import { Hysteresis } from './hysteresis.js';

const OPTIONS = { limit: 100, clearRatio: 0.8, tripAfter: 2, clearAfter: 3 };

/** States after each of the values; true is tripped. */
function statesAfter(values: readonly number[]): boolean[] {
  const hysteresis = new Hysteresis(OPTIONS);
  return values.map((value) => {
    hysteresis.update(value);
    return hysteresis.isTripped;
  });
}

describe('Hysteresis', () => {
  it('trips after `tripAfter` excessive values', () => {
    expect(statesAfter([99, 100, 99, 100])).toEqual([false, false, false, true]);
  });

  it('trips if clear values are between excessive ones', () => {
    expect(statesAfter([100, 0, 0, 100])).toEqual([false, false, false, true]);
  });

  it('resets the count after `clearAfter` clear values in a row', () => {
    expect(statesAfter([100, 0, 0, 0, 100, 0, 0, 0, 100])).toEqual(Array(9).fill(false));
  });

  it('clears after `clearAfter` clear values in a row; a value between clear and excessive interrupts the row', () => {
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

  it('returns whether a value tripped or cleared it', () => {
    const hysteresis = new Hysteresis({ ...OPTIONS, clearAfter: 1 });

    expect([100, 100, 100, 0, 0].map((value) => hysteresis.update(value))).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('trips at once by `trip`, which returns true the first time', () => {
    const hysteresis = new Hysteresis(OPTIONS);

    expect([hysteresis.trip(), hysteresis.trip()]).toEqual([true, false]);
    expect(hysteresis.isTripped).toBe(true);
  });

  it('clears after `trip` as after excessive values', () => {
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
