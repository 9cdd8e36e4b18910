import { RevokedIds } from './revoked-ids.js';

const LIFE_MS = 900_000;

describe('revoked ids in memory', () => {
  // The turns of the event loop are real ones.
  beforeEach(() => jest.useFakeTimers({ now: 0, doNotFake: ['setImmediate', 'nextTick'] }));
  afterEach(() => jest.useRealTimers());

  it('are known from the moment on, and said to be new once', () => {
    const ids = new RevokedIds(10);

    expect(ids.has('token', 'a')).toBe(false);
    expect(ids.add('token', 'a', LIFE_MS)).toBe(true);
    expect(ids.add('token', 'a', LIFE_MS)).toBe(false);
    expect(ids.has('token', 'a')).toBe(true);
    ids.delete('token', 'a');
    expect(ids.has('token', 'a')).toBe(false);
    expect(ids.size).toBe(0);
  });

  it('of a token and of a session are two, and count together', () => {
    const ids = new RevokedIds(2);

    ids.add('token', 'a', LIFE_MS);
    expect(ids.has('session', 'a')).toBe(false);
    ids.add('session', 'a', LIFE_MS);
    ids.delete('token', 'a');
    expect([ids.has('token', 'a'), ids.has('session', 'a'), ids.size]).toEqual([false, true, 1]);

    ids.add('token', 'b', LIFE_MS);
    ids.add('token', 'c', LIFE_MS);
    expect([ids.size, ids.hasForgotten]).toEqual([2, true]);
  });

  it('are forgotten once their time is over, so that the number follows the logouts of one token life', () => {
    const ids = new RevokedIds(100_000);

    for (let life = 0; life < 20; life++) {
      for (let each = 0; each < 1_000; each++) ids.add('token', `${life}:${each}`, LIFE_MS);
      jest.advanceTimersByTime(LIFE_MS + 1_000);
    }

    expect(ids.size).toBeLessThanOrEqual(2_048);
    expect(ids.hasForgotten).toBe(false);
  });

  it('are not forgotten because somebody sets the clock', () => {
    const ids = new RevokedIds(100_000);
    ids.add('token', 'a', LIFE_MS);
    jest.setSystemTime(10 * 86_400_000);
    for (let each = 0; each < 5_000; each++) ids.add('token', String(each), LIFE_MS);

    expect(ids.has('token', 'a')).toBe(true);
  });

  it('make room for one more by giving up the oldest, and say so', () => {
    const ids = new RevokedIds(3);
    for (const id of ['a', 'b', 'c']) ids.add('token', id, LIFE_MS);
    expect(ids.hasForgotten).toBe(false);

    ids.add('token', 'd', LIFE_MS);

    expect(['a', 'b', 'c', 'd'].map((id) => ids.has('token', id))).toEqual([false, true, true, true]);
    expect(ids.hasForgotten).toBe(true);
  });

  it('begin anew to watch which are forgotten once a quarter of the bound is free', async () => {
    const ids = new RevokedIds(4);
    for (const id of ['a', 'b', 'c']) ids.add('token', id, LIFE_MS);
    for (const id of ['d', 'e']) ids.add('token', id, 2 * LIFE_MS);
    ids.delete('token', 'b');

    ids.add('token', 'f', 2 * LIFE_MS);
    expect(await ids.makeRoom()).toBe(false);
    expect(ids.hasForgotten).toBe(true);
    jest.advanceTimersByTime(LIFE_MS);
    expect(await ids.makeRoom()).toBe(true);
    expect([ids.size, ids.hasForgotten]).toEqual([3, false]);
  });

  it('are looked at once for each new one, however many there are, and not before the first ends', async () => {
    const most = 40_000;
    const ids = new RevokedIds(most);
    for (let each = 0; each < most; each++) ids.add('token', String(each), LIFE_MS);
    let looks = 0;
    const { next } = Object.getPrototypeOf(new Map().entries()) as Iterator<unknown>;
    const spy = jest
      .spyOn(Object.getPrototypeOf(new Map().entries()) as Iterator<unknown>, 'next')
      .mockImplementation(function (this: Iterator<unknown>) {
        looks++;
        return next.call(this);
      });

    for (let each = 0; each < 1_000; each++) ids.add('token', `more:${each}`, LIFE_MS);
    await ids.makeRoom();
    const whileAllLive = looks;
    jest.advanceTimersByTime(LIFE_MS);
    looks = 0;
    for (let each = 0; each < 1_000; each++) ids.add('token', `again:${each}`, LIFE_MS);
    spy.mockRestore();

    // One for the oldest, which each new one displaces.
    expect(whileAllLive).toBe(1_000);
    expect(looks).toBeLessThanOrEqual(3_000);
  });
});
