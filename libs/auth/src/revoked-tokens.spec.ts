import { RevokedTokens } from './revoked-tokens.js';

const { jest } = import.meta;

describe('revoked tokens in memory', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('are known from the moment on, and said to be new once', () => {
    const tokens = new RevokedTokens(10);

    expect(tokens.has('a')).toBe(false);
    expect(tokens.add('a', 900_000)).toBe(true);
    expect(tokens.add('a', 900_000)).toBe(false);
    expect(tokens.has('a')).toBe(true);
    tokens.delete('a');
    expect(tokens.has('a')).toBe(false);
  });

  it('are forgotten once their time is over, so that the number follows the logouts of one token life', () => {
    const tokens = new RevokedTokens(100_000);

    for (let life = 0; life < 20; life++) {
      for (let each = 0; each < 1_000; each++) tokens.add(`${life}:${each}`, 900_000);
      jest.advanceTimersByTime(901_000);
    }

    expect(tokens.size).toBeLessThanOrEqual(2_048);
    expect(tokens.hasForgotten).toBe(false);
  });

  it('are not forgotten because somebody sets the clock', () => {
    const tokens = new RevokedTokens(100_000);
    tokens.add('a', 900_000);
    jest.setSystemTime(10 * 86_400_000);
    for (let each = 0; each < 5_000; each++) tokens.add(String(each), 900_000);

    expect(tokens.has('a')).toBe(true);
  });

  it('make room for one more by giving up the oldest, and say so', () => {
    const tokens = new RevokedTokens(3);
    for (const id of ['a', 'b', 'c']) tokens.add(id, 900_000);
    expect([tokens.isFull, tokens.hasForgotten]).toEqual([true, false]);

    tokens.add('d', 900_000);

    expect(['a', 'b', 'c', 'd'].map((id) => tokens.has(id))).toEqual([false, true, true, true]);
    expect(tokens.hasForgotten).toBe(true);
  });

  it('begin anew to watch what is forgotten once there is room', () => {
    const tokens = new RevokedTokens(2);
    for (const id of ['a', 'b', 'c']) tokens.add(id, 900_000);

    expect(tokens.makeRoom()).toBe(false);
    expect(tokens.hasForgotten).toBe(true);
    jest.advanceTimersByTime(900_000);
    expect(tokens.makeRoom()).toBe(true);
    expect(tokens.hasForgotten).toBe(false);
  });
});
