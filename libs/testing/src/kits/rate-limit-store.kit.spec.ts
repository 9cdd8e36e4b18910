import { AssertionError } from 'node:assert';
import type { RateLimitCount, RateLimitStore } from '@app/gateway';
import { failures } from './failures.testing.js';
import { rateLimitStoreKit } from './rate-limit-store.kit.js';

/** A store in memory, with faults. */
class Store implements RateLimitStore {
  readonly isUp: boolean = true;
  protected readonly windows = new Map<string, { points: number; endsAt: number }>();

  consume(key: string, points: number, windowMs: number): RateLimitCount | Promise<RateLimitCount> {
    const now = performance.now();
    let window = this.windows.get(this.keyOf(key));
    if (!window || window.endsAt <= now) window = { points: 0, endsAt: now + windowMs };
    this.windows.set(this.keyOf(key), window);
    return this.add(window, points, windowMs);
  }

  protected keyOf(key: string): string {
    return key;
  }

  protected add(
    window: { points: number; endsAt: number },
    points: number,
    _windowMs: number,
  ): RateLimitCount | Promise<RateLimitCount> {
    window.points += points;
    return { consumedPoints: window.points, msBeforeNext: window.endsAt - performance.now() };
  }
}

const STORES: readonly (readonly [string, object, string[]])[] = [
  [
    'says that it is down',
    new (class extends Store {
      override readonly isUp = false;
    })(),
    ['is up'],
  ],
  [
    'counts one point for many',
    new (class extends Store {
      protected override add(window: { points: number; endsAt: number }): RateLimitCount {
        return { consumedPoints: ++window.points, msBeforeNext: window.endsAt - performance.now() };
      }
    })(),
    [
      'counts the points of a key',
      'takes any number of points at once',
      'counts each key by itself, keys of all characters',
    ],
  ],
  [
    'trims keys',
    new (class extends Store {
      protected override keyOf(key: string): string {
        return key.trim();
      }
    })(),
    ['counts each key by itself, keys of all characters'],
  ],
  [
    'reads, and then writes',
    new (class extends Store {
      protected override async add(
        window: { points: number; endsAt: number },
        points: number,
      ): Promise<RateLimitCount> {
        const consumedPoints = window.points + points;
        await Promise.resolve();
        window.points = consumedPoints;
        return { consumedPoints, msBeforeNext: window.endsAt - performance.now() };
      }
    })(),
    ['counts calls at the same time one after another'],
  ],
  [
    'makes the window longer with each point',
    new (class extends Store {
      protected override add(
        window: { points: number; endsAt: number },
        points: number,
        windowMs: number,
      ): RateLimitCount {
        window.endsAt = performance.now() + windowMs;
        window.points += points;
        return { consumedPoints: window.points, msBeforeNext: windowMs + points / 1e6 };
      }
    })(),
    ['begins at 0 after the window'],
  ],
  [
    'gives seconds',
    new (class extends Store {
      protected override add(window: { points: number; endsAt: number }, points: number): RateLimitCount {
        window.points += points;
        return { consumedPoints: window.points, msBeforeNext: (window.endsAt - performance.now()) / 1000 };
      }
    })(),
    ['says how long the window lasts, which further points do not extend'],
  ],
];

describe('the kit of stores of rate limits', () => {
  it('finds nothing in a store that counts', async () => {
    expect(await failures(rateLimitStoreKit, () => new Store())).toEqual([]);
  });

  it.each(STORES)('finds one that %s', async (_name, store, expected) => {
    expect(await failures(rateLimitStoreKit, () => store)).toEqual(expected);
  });
});

describe('a kit', () => {
  it('fails by an AssertionError', async () => {
    const [, counts] = rateLimitStoreKit;
    const store = { isUp: true, consume: () => ({ consumedPoints: 7, msBeforeNext: 1 }) };

    await expect(counts!.run(() => store)).rejects.toThrow(AssertionError);
  });

  it('closes the part behind a case', async () => {
    const closed: string[] = [];
    const part = {
      isUp: true,
      consume: () => ({ consumedPoints: 7, msBeforeNext: 1 }),
      [Symbol.asyncDispose]: async () => void closed.push('later'),
      [Symbol.dispose]: () => void closed.push('now'),
    };

    for (const { run } of rateLimitStoreKit.slice(0, 2)) await run(() => part).catch(() => {});
    expect(closed).toEqual(['later', 'now', 'later', 'now']);
  });
});
