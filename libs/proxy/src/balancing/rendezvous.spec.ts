import type { Instance } from './instance.js';
import { hashOf } from './key-hash.js';
import { loadLimitOf, pickByHash } from './rendezvous.js';

interface FakeInstance {
  readonly origin: string;
  activeRequests: number;
  weight: number;
  isUp: boolean;
}

function fakes(count: number): FakeInstance[] {
  return Array.from({ length: count }, (_, index) => ({
    origin: `http://10.0.0.${index}:8080`,
    activeRequests: 0,
    weight: 1,
    isUp: true,
  }));
}

function instances(of: readonly FakeInstance[]): Instance[] {
  return of.map((fake) => {
    const health = {
      weight: () => fake.weight,
      get isUp() {
        return fake.isUp;
      },
    };
    return Object.assign(Object.create(fake, { hash: { value: hashOf(fake.origin) } }) as Instance, {
      health,
    });
  });
}

const KEYS = Array.from({ length: 20_000 }, (_, index) => `session-${index}`);

/** The origin of each key's instance. */
function origins(of: readonly FakeInstance[], limit = Infinity): (string | undefined)[] {
  const all = instances(of);
  return KEYS.map((key) => pickByHash(all, hashOf(key), limit, 0)?.origin);
}

function countsOf(values: readonly (string | undefined)[]): number[] {
  const counts = new Map<string | undefined, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()];
}

describe('a hash', () => {
  it.each([
    ['', 0xab3e7c0b],
    ['a', 0x1a80b1b3],
    ['session-7', 0xeffdc9e7],
  ])('of %j is the same in every gateway and release', (text, hash) => {
    expect(hashOf(text)).toBe(hash);
  });
});

describe('rendezvous hashing', () => {
  it.each([2, 3, 10, 200])('gives each of %d instances its share of the keys', (count) => {
    const counts = countsOf(origins(fakes(count)));
    const mean = KEYS.length / count;

    expect(counts).toHaveLength(count);
    // Five standard deviations of a binomial distribution.
    for (const each of counts) expect(Math.abs(each - mean)).toBeLessThan(5 * Math.sqrt(mean));
  });

  it('moves the keys of an instance that goes, to all others, and no other key', () => {
    const all = fakes(5);
    const before = origins(all);
    const after = origins(all.filter((_, index) => index !== 2));

    const gone = all[2]!.origin;
    const moved = after.filter((origin, index) => origin !== before[index]);
    expect(moved).toHaveLength(before.filter((origin) => origin === gone).length);
    for (const count of countsOf(moved)) expect(count).toBeGreaterThan(moved.length / 5);
  });

  it('does not depend on the order of the instances', () => {
    expect(origins(fakes(7).toReversed())).toEqual(origins(fakes(7)));
  });

  it('gives an instance in its slow start keys in proportion to its weight, and takes none of them away again', () => {
    const all = fakes(3);
    const own = all[0]!.origin;
    const shares = [0.1, 0.5, 1].map((weight) => {
      all[0]!.weight = weight;
      return new Set(origins(all).flatMap((origin, index) => (origin === own ? [index] : [])));
    });

    for (const [index, expected] of [0.1 / 2.1, 0.5 / 2.5, 1 / 3].entries())
      expect(shares[index]!.size / KEYS.length).toBeCloseTo(expected, 2);
    expect([...shares[0]!].every((index) => shares[1]!.has(index))).toBe(true);
    expect([...shares[1]!].every((index) => shares[2]!.has(index))).toBe(true);
  });

  it('goes to the next instance of the key above the load limit, and to none if all are above it', () => {
    const all = fakes(3);
    const key = hashOf('session-7');
    const pick = (): string | undefined => pickByHash(instances(all), key, 10, 0)?.origin;
    const order = [1, 2, 3].map(() => {
      const origin = pick();
      all.find((each) => each.origin === origin)!.activeRequests = 10;
      return origin;
    });

    expect(new Set(order).size).toBe(3);
    expect(pick()).toBeUndefined();
    all.find(({ origin }) => origin === order[0])!.activeRequests = 9;
    expect(pick()).toBe(order[0]);
  });
});

describe('the load limit', () => {
  it.each([
    ['is 8 at least', [0, 0], 1.25, 8],
    ['is the factor times the mean with the next request', [39, 0, 0, 0], 1.25, 13],
    ['is rounded up', [40, 0, 0, 0], 1.25, 13],
    ['is the mean itself with a factor of 1', [39, 0, 0, 0], 1, 10],
    ['is none with an infinite factor', [39, 0], Infinity, Infinity],
  ])('%s', (_, requests, factor, limit) => {
    const all = fakes(requests.length);
    for (const [index, count] of requests.entries()) all[index]!.activeRequests = count;

    expect(loadLimitOf(instances(all), factor)).toBe(limit);
  });

  it('counts the instances that are up alone, and is none without one', () => {
    const all = fakes(2);
    all[0]!.activeRequests = 100;
    all[1]!.activeRequests = 15;
    all[0]!.isUp = false;

    expect(loadLimitOf(instances(all), 1.25)).toBe(20);
    all[1]!.isUp = false;
    expect(loadLimitOf(instances(all), 1.25)).toBe(Infinity);
  });

  it.each([3, 20])('holds for one key that all of 1,000 requests have, over %d instances', (count) => {
    const all = fakes(count);
    const each = instances(all);
    const key = hashOf('everybody');
    for (let request = 0; request < 1_000; request++) {
      const limit = loadLimitOf(each, 1.25);
      const { origin } = pickByHash(each, key, limit, 0)!;
      all.find((fake) => fake.origin === origin)!.activeRequests++;
    }

    const most = Math.max(...all.map(({ activeRequests }) => activeRequests));
    expect(most).toBeLessThanOrEqual(Math.ceil((1.25 * 1_000) / count));
    expect(most).toBeGreaterThan(1_000 / count);
  });
});
