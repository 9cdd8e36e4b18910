import { RateLimitStore, type RateLimitCount } from '@app/gateway';
import { rateLimitStoreKit } from '@app/testing';
import { Module, type Type } from '@nestjs/common';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';

/** Counts in the memory of this process, as a team without Redis would for one gateway. */
class MemoryStore extends RateLimitStore {
  private readonly windows = new Map<string, { points: number; readonly endsAt: number }>();

  consume(key: string, points: number, windowMs: number): RateLimitCount {
    const now = performance.now();
    let window = this.windows.get(key);
    if (!window || window.endsAt <= now)
      this.windows.set(key, (window = { points: 0, endsAt: now + windowMs }));
    window.points += points;
    return { consumedPoints: window.points, msBeforeNext: window.endsAt - now };
  }
}

/** Counts with a limiter of another package. */
class FlexibleStore extends RateLimitStore {
  private readonly limiter = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: 60 });

  consume(key: string, points: number, windowMs: number): Promise<RateLimitCount> {
    return this.limiter.consume(key, points, { customDuration: windowMs / 1000 });
  }
}

/** A store whose faults a test chooses. */
class FaultyStore extends MemoryStore {
  calls = 0;
  fault: ((count: RateLimitCount) => unknown) | undefined;

  override consume(key: string, points: number, windowMs: number): RateLimitCount {
    this.calls++;
    const count = super.consume(key, points, windowMs);
    return this.fault ? (this.fault(count) as RateLimitCount) : count;
  }
}

const error = new Error('a fault of the team');
const FAULTS: readonly (readonly [string, (count: RateLimitCount) => unknown])[] = [
  [
    'throws',
    () => {
      throw error;
    },
  ],
  ['rejects', () => Promise.reject(error)],
  ['rejects with nothing', () => Promise.reject()],
  ['never resolves', () => new Promise(() => {})],
  ['returns nothing', () => undefined],
  ['returns null later', () => Promise.resolve(null)],
  ['counts in texts', (count) => ({ ...count, consumedPoints: '1' })],
  ['counts nothing', (count) => ({ ...count, consumedPoints: 0 })],
  ['counts NaN', (count) => Promise.resolve({ ...count, consumedPoints: Number.NaN })],
  ['gives a moment for a duration', (count) => ({ ...count, msBeforeNext: Date.now() })],
  ['gives a negative duration', (count) => ({ ...count, msBeforeNext: -1 })],
  ['gives no duration', ({ consumedPoints }) => ({ consumedPoints })],
];

function moduleWith(store: object): Type {
  @Module({ providers: [{ provide: RateLimitStore, useValue: store }] })
  class StoreModule {}
  return StoreModule;
}

function startWith(store: object, env: Record<string, string> = {}): Promise<RunningGateway> {
  return startGateway({ modules: [moduleWith(store)], env: { RATELIMIT: 'on', ...env } });
}

/** The limit, what remains of it, and the status. */
async function login({ url }: RunningGateway): Promise<readonly unknown[]> {
  const { status, headers } = await fetch(`${url}/v1/auth/login`, { method: 'POST' });
  return [headers.get('X-RateLimit-Limit'), headers.get('X-RateLimit-Remaining'), status];
}

describeWithRedis("the gateway's own store of rate limits", () => {
  const stack = new AsyncDisposableStack();
  let store: RateLimitStore;
  beforeAll(async () => {
    const redis = stack.use(await RedisServer.start());
    const gateway = stack.use(await startGateway({ env: { REDIS_URL: redis.url } }));
    store = gateway.app.get(RateLimitStore, { strict: false });
  });
  afterAll(() => stack.disposeAsync());

  it.each(rateLimitStoreKit)('$name', ({ run }) => run(() => store));
});

describe.each([MemoryStore, FlexibleStore])('a store of a team, %p,', (type) => {
  it.each(rateLimitStoreKit)('$name', ({ run }) => run(() => new type()));
});

describe("a team's store of rate limits", () => {
  it('counts for the limits of the gateway, for two gateways together', async () => {
    const store = new MemoryStore();
    await using one = await startWith(store, { RATELIMIT_AUTH_LOGIN: '2', GATEWAY_REPLICAS: '2' });
    await using other = await startWith(store, { RATELIMIT_AUTH_LOGIN: '2', GATEWAY_REPLICAS: '2' });

    expect(await login(one)).toEqual(['2', '1', 502]);
    expect(await login(other)).toEqual(['2', '0', 502]);
    expect(await login(one)).toEqual(['2', '0', 429]);
  });

  it('is not asked for a key that has used up its limit', async () => {
    const store = new FaultyStore();
    await using gateway = await startWith(store, { RATELIMIT_AUTH_LOGIN: '1' });
    for (let each = 0; each < 4; each++) await login(gateway);

    expect(store.calls).toBe(2);
  });

  it('that says it is down is not asked', async () => {
    const store = Object.defineProperty(new FaultyStore(), 'isUp', { value: false });
    await using gateway = await startWith(store, { RATELIMIT_AUTH_LOGIN: '4', GATEWAY_REPLICAS: '4' });

    expect(await login(gateway)).toEqual(['1', '0', 502]);
    expect(await login(gateway)).toEqual(['1', '0', 429]);
    expect(store.calls).toBe(0);
  });

  it('whose isUp throws is degraded', async () => {
    const store = Object.defineProperty(new FaultyStore(), 'isUp', {
      get() {
        throw error;
      },
    });
    await using gateway = await startWith(store, { RATELIMIT_AUTH_LOGIN: '1' });

    expect(await login(gateway)).toEqual(['1', '0', 502]);
    await gateway.logged({ message: 'rate limit store degraded: limits go on from memory' });
  });

  it.each(FAULTS)(
    'that %s gives way to the memory of the process, and counts on when it is back',
    async (_name, fault) => {
      const store = new FaultyStore();
      await using gateway = await startWith(store, { RATELIMIT_AUTH_LOGIN: '8', GATEWAY_REPLICAS: '2' });
      expect(await login(gateway)).toEqual(['8', '7', 502]);

      store.fault = fault;
      expect(await login(gateway)).toEqual(['4', '3', 502]);
      expect(await login(gateway)).toEqual(['4', '2', 502]);
      // The failure is known: for a second the store is not asked.
      expect(store.calls).toBe(2);
      await gateway.logged({ message: 'rate limit store degraded: limits go on from memory', level: 'warn' });

      store.fault = undefined;
      while (!gateway.logs.some(({ message }) => message === 'rate limit store is back'))
        await login(gateway);
      const [limit] = await login(gateway);
      expect(limit).toBe('8');
      const degraded = gateway.logs.filter(({ message }) =>
        String(message).startsWith('rate limit store degraded'),
      );
      expect(degraded).toHaveLength(1);
    },
  );

  it('that hangs keeps no request for longer than the timeout, of many at a time', async () => {
    const store = new FaultyStore();
    store.fault = () => new Promise(() => {});
    await using gateway = await startWith(store);
    const begunAt = performance.now();

    await Promise.all(Array.from({ length: 20 }, () => login(gateway)));

    expect(performance.now() - begunAt).toBeLessThan(1_000);
    const callsOfFirst = store.calls;
    await Promise.all(Array.from({ length: 20 }, () => login(gateway)));
    expect(store.calls).toBeLessThanOrEqual(callsOfFirst + 1);
  });

  it('adds to the store what was counted while the store was away', async () => {
    const store = new FaultyStore();
    await using gateway = await startWith(store, { RATELIMIT_AUTH_LOGIN: '1000000' });
    store.fault = () => Promise.reject(error);
    let logins = 0;
    for (; logins < 5; logins++) await login(gateway);
    store.fault = undefined;
    const before = store.calls;
    for (; store.calls === before; logins++) await login(gateway);

    // One more for the call that was counted and then failed.
    const [, remaining] = await login(gateway);
    expect(Number(remaining)).toBe(1_000_000 - logins - 1 - 1);
  });
});

describe('the boot stops at', () => {
  it.each([
    [
      'stores of two modules',
      [moduleWith(new MemoryStore()), moduleWith(new MemoryStore())],
      /Two modules provide RateLimitStore: StoreModule and StoreModule/,
    ],
    [
      'a store that cannot count',
      [moduleWith({ increment: () => {} })],
      /RateLimitStore of StoreModule has no method consume/,
    ],
  ])('%s', async (_name, modules, message) => {
    await expect(startGateway({ modules })).rejects.toThrow(message);
  });
});
