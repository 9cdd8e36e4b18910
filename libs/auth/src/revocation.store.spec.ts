import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { RedisRevocationSource } from './redis-revocation.source.js';
import type { RevocationRedis } from './revocation.redis.js';
import { RevocationStore } from './revocation.store.js';

const PROOF_MS = 10_000;
const HOUR_MS = 3_600_000;

/** What Redis does for revocations, in memory. */
class FakeRedis extends EventEmitter implements RevocationRedis {
  readonly client = this as unknown as Redis;
  readonly options = { db: 0 };
  status = 'ready';
  /** Milliseconds that each key lives. */
  readonly keys = new Map<string, number>();
  /** Keys that were looked up, by command. */
  readonly lookups: (readonly string[])[] = [];
  scans = 0;
  /** Whether it tells of changes, and whether it can be told to. */
  notifies = true;
  isConfigurable = true;

  get isReadable(): boolean {
    return this.status === 'ready';
  }

  read<Result>(send: (client: Redis) => Promise<Result>): Promise<Result> {
    return send(this.client);
  }

  async psubscribe(): Promise<void> {}

  async subscribe(): Promise<void> {}

  async config(verb: string): Promise<string[]> {
    if (!this.isConfigurable) throw new Error('NOPERM');
    if (verb === 'SET') this.notifies = true;
    return ['notify-keyspace-events', ''];
  }

  async set(key: string): Promise<void> {
    if (!this.notifies) return;
    for (const event of ['set', 'expire']) this.emit('message', `__keyspace@0__:${key}`, event);
  }

  async ping(): Promise<void> {}

  async eval(script: string, _keys: number, ...rest: readonly string[]): Promise<unknown> {
    if (this.status !== 'ready') throw new Error('closed');
    if (!script.includes("'scan'")) {
      this.lookups.push(rest);
      return rest.map((key) => this.keys.get(key) ?? -2);
    }
    this.scans++;
    const found = [...this.keys].map(([key, lifeMs]) => [key.slice(rest[1]!.length), lifeMs]);
    return ['0', ...found.flat()];
  }

  /** Writes or deletes a key, and tells of it. */
  change(key: string, event: string): void {
    this.emit('pmessageBuffer', '', Buffer.from(`__keyspace@0__:${key}`), Buffer.from(event));
  }

  close(): void {
    this.status = 'close';
    this.emit('close');
  }

  open(): void {
    this.status = 'ready';
    this.emit('ready');
  }
}

/** Lets promises settle, and commands that wait for the end of the turn go out. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
}

/** A store that has read what is there. */
async function startStore(redis: FakeRedis, mostIds = 100) {
  const store = new RevocationStore(() => new RedisRevocationSource(redis), mostIds);
  const revoked: string[] = [];
  store.onRevoked((id, kind) => revoked.push(`${kind} ${id}`));
  store.onModuleInit();
  await store.onApplicationBootstrap();
  return { store, revoked };
}

describe('RevocationStore', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0, doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
  afterEach(() => jest.useRealTimers());

  it('reads the revocations that are there, tokens and sessions, and tells of each', async () => {
    const redis = new FakeRedis();
    redis.keys.set('blacklist:a', 60_000).set('blacklist:session:s', 60_000);

    const { store, revoked } = await startStore(redis);

    expect([store.state, store.size, revoked]).toEqual(['complete', 2, ['token a', 'session s']]);
    expect([store.isRevoked('a'), store.isRevoked('s'), store.isRevoked('s', 'session')]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('asks Redis nothing for an id that memory does not know, while it is complete', async () => {
    const redis = new FakeRedis();
    const { store } = await startStore(redis);

    expect(store.isRevokedPrincipal({ tokenId: 'a', sessionId: 's' })).toBe(false);
    await settle();

    expect(redis.lookups).toEqual([]);
  });

  it('revokes with the notification of a key, and reads its life for both of its events at once', async () => {
    const redis = new FakeRedis();
    const { store, revoked } = await startStore(redis);

    redis.keys.set('blacklist:a', 60_000);
    redis.change('blacklist:a', 'set');
    redis.change('blacklist:a', 'expire');

    expect([store.isRevoked('a'), revoked]).toEqual([true, ['token a']]);
    await settle();
    expect(redis.lookups).toEqual([['blacklist:a']]);
  });

  it.each([
    ['del', false],
    ['rename_from', false],
    ['expired', true],
    ['evicted', true],
  ])('after %s of a key keeps the revocation: %s', async (event, isKept) => {
    const redis = new FakeRedis();
    redis.keys.set('blacklist:a', 60_000);
    const { store } = await startStore(redis);

    redis.change('blacklist:a', event);

    expect(store.isRevoked('a')).toBe(isKept);
  });

  it('tells Redis to notify, if it does not', async () => {
    const redis = new FakeRedis();
    redis.notifies = false;

    const { store } = await startStore(redis);

    expect([store.state, redis.notifies]).toEqual(['complete', true]);
  });

  it('looks up unknown ids if Redis may not notify, those of one turn in one command', async () => {
    const redis = new FakeRedis();
    redis.notifies = redis.isConfigurable = false;
    const { store, revoked } = await startStore(redis);
    redis.keys.set('blacklist:session:s', 60_000);

    const found = await Promise.all([
      store.isRevokedPrincipal({ tokenId: 'a', sessionId: 's' }),
      store.isRevoked('b'),
    ]);

    expect([store.state, found, revoked]).toEqual(['unnotified', [true, false], ['session s']]);
    expect(redis.lookups).toEqual([['blacklist:a', 'blacklist:session:s', 'blacklist:b']]);
  });

  it('counts by memory alone if a lookup fails', async () => {
    const redis = new FakeRedis();
    redis.notifies = redis.isConfigurable = false;
    const { store } = await startStore(redis);
    redis.read = () => Promise.reject(new Error('late'));

    expect(await store.isRevoked('a')).toBe(false);
  });

  it('finds out by its next proof that notifications have stopped, and reads all again', async () => {
    const redis = new FakeRedis();
    const { store, revoked } = await startStore(redis);
    redis.notifies = redis.isConfigurable = false;
    redis.keys.set('blacklist:a', 60_000);

    jest.advanceTimersByTime(PROOF_MS - 1);
    await settle();
    expect([store.state, revoked]).toEqual(['complete', []]);
    jest.advanceTimersByTime(1);
    await settle();

    expect([store.state, revoked]).toEqual(['unnotified', ['token a']]);
  });

  it('does not scan for a proof while notifications come', async () => {
    const redis = new FakeRedis();
    await startStore(redis);

    jest.advanceTimersByTime(5 * PROOF_MS);
    await settle();

    expect(redis.scans).toBe(1);
  });

  it('is not complete while Redis is away, and reads all again over the next connection', async () => {
    const redis = new FakeRedis();
    redis.keys.set('blacklist:a', 60_000);
    const { store, revoked } = await startStore(redis);

    redis.close();
    expect([store.isComplete, store.usesLookups, store.isRevoked('a'), store.isRevoked('b')]).toEqual([
      false,
      false,
      true,
      false,
    ]);
    redis.keys.set('blacklist:b', 60_000);
    redis.open();
    await settle();

    expect([store.state, revoked]).toEqual(['complete', ['token a', 'token b']]);
  });

  it('does not take a scan of a connection that closed for the next one', async () => {
    const redis = new FakeRedis();
    const store = new RevocationStore(() => new RedisRevocationSource(redis), 100);
    store.onModuleInit();
    const scan = Promise.withResolvers<unknown>();
    redis.eval = () => scan.promise;
    const booted = store.onApplicationBootstrap();
    await settle();

    redis.close();
    scan.resolve(['0']);
    await booted;

    expect(store.isComplete).toBe(false);
  });

  it('may have missed sessions once Redis was away for longer than their keys live', async () => {
    const redis = new FakeRedis();
    const { store } = await startStore(redis);
    redis.close();

    jest.advanceTimersByTime(HOUR_MS);
    expect(store.hasMissedSessions).toBe(false);
    jest.advanceTimersByTime(1);
    expect(store.hasMissedSessions).toBe(true);
    await settle();
    redis.open();
    await settle();
    expect(store.hasMissedSessions).toBe(false);
  });

  it('knows a revocation for ten minutes longer than its key lives', async () => {
    const redis = new FakeRedis();
    redis.keys.set('blacklist:a', 60_000);
    const { store } = await startStore(redis, 1);

    jest.advanceTimersByTime(60_000 + 600_000 - 1_000);
    store.revoke('b', 0);
    expect(store.state).toBe('overflow');
  });

  it('forgets nothing of revocations whose time is over', async () => {
    const redis = new FakeRedis();
    redis.keys.set('blacklist:a', 60_000);
    const { store } = await startStore(redis, 1);

    jest.advanceTimersByTime(60_000 + 600_000 + 1_000);
    store.revoke('b', 0);
    expect([store.state, store.isRevoked('b')]).toEqual(['complete', true]);
  });

  it('looks up ids that may have been forgotten, if there are more than the bound', async () => {
    const redis = new FakeRedis();
    redis.keys.set('blacklist:a', 60_000).set('blacklist:b', 60_000);
    const { store } = await startStore(redis, 1);

    expect([store.state, store.usesLookups]).toEqual(['overflow', true]);
    expect(await Promise.all([store.isRevoked('a'), store.isRevoked('b')])).toEqual([true, true]);
  });

  it('revokes the token and the session of a principal at once, and tells of both', async () => {
    const { store, revoked } = await startStore(new FakeRedis());

    store.revokePrincipal({ tokenId: 'a', sessionId: 's', expiresAt: 60 });

    expect(revoked).toEqual(['token a', 'session s']);
    expect(store.isRevokedPrincipal({ tokenId: 'other', sessionId: 's' })).toBe(true);
  });

  it('says without a lookup whether memory knows a principal as revoked', async () => {
    const redis = new FakeRedis();
    redis.isConfigurable = redis.notifies = false;
    const { store } = await startStore(redis);
    store.revokePrincipal({ tokenId: 'a', sessionId: 's', expiresAt: 60 });

    expect(store.usesLookups).toBe(true);
    expect(store.isKnownRevoked({ tokenId: 'a', sessionId: undefined })).toBe(true);
    expect(store.isKnownRevoked({ tokenId: 'other', sessionId: 's' })).toBe(true);
    expect(store.isKnownRevoked({ tokenId: 'other', sessionId: 'another' })).toBe(false);
    expect(redis.lookups).toEqual([]);
  });

  it('would know of an ended token without a session only since memory is complete', async () => {
    jest.setSystemTime(100_000);
    const { store } = await startStore(new FakeRedis());
    const ids = { tokenId: 'a', sessionId: undefined };

    expect(store.canCheckExpired({ ...ids, expiresAt: 99 })).toBe(false);
    expect(store.canCheckExpired({ ...ids, expiresAt: 100 })).toBe(true);
    expect(store.canCheckExpired({ ...ids, sessionId: 's', expiresAt: 99 })).toBe(true);
  });

  it('proves nothing any more once the process ends', async () => {
    const redis = new FakeRedis();
    const { store } = await startStore(redis);

    store.onApplicationShutdown();
    redis.keys.set('blacklist:a', 60_000);
    redis.notifies = false;
    jest.advanceTimersByTime(2 * PROOF_MS);
    await settle();

    expect([store.state, redis.scans]).toEqual(['complete', 1]);
  });
});
