import { RevocationStore } from '@app/auth';
import { describeWithRedis, RedisServer } from './support/redis.js';

const BOUND = 100;

/** A store with a small bound, and the commands that it has Redis look up. */
async function startStore(redis: RedisServer) {
  const client = await redis.client();
  const lookUps: number[] = [];
  const store = new RevocationStore(
    {
      client,
      isReadable: true,
      read: (send) => {
        lookUps.push(lookUps.length);
        return send(client);
      },
    },
    BOUND,
  );
  await store.onApplicationBootstrap();
  return { store, lookUps, [Symbol.dispose]: () => store.onApplicationShutdown() };
}

const key = (tokenId: string): string => `blacklist:${tokenId}`;

describeWithRedis('more revoked tokens than memory may hold', () => {
  it('at the start are looked up, each one', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    const ids = Array.from({ length: 3 * BOUND }, (_, at) => `token-${at}`);
    for (const id of ids) await client.set(key(id), 'revoked', 'EX', 900);
    using system = await startStore(redis);
    const { store, lookUps } = system;

    expect(store.size).toBe(BOUND);
    expect(store.isComplete).toBe(false);
    for (const id of ids) expect(await store.isRevoked(id)).toBe(true);
    expect(await store.isRevoked('another')).toBe(false);
    expect(lookUps.length).toBeGreaterThan(2 * BOUND);
    expect(store.size).toBe(BOUND);
  });

  it('that come later make it ask, until there is room for all again', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    using system = await startStore(redis);
    const { store } = system;
    expect(store.isComplete).toBe(true);
    const revoked: string[] = [];
    store.onRevoked((tokenId) => revoked.push(tokenId));

    const ids = Array.from({ length: BOUND + 1 }, (_, at) => `token-${at}`);
    const pipeline = client.pipeline();
    for (const id of ids) pipeline.set(key(id), 'revoked', 'EX', 900);
    await pipeline.exec();
    while (revoked.length <= BOUND) await new Promise(setImmediate);
    expect(store.isComplete).toBe(false);
    for (const id of ids) expect(await store.isRevoked(id)).toBe(true);

    await client.del(...ids.map(key));
    while (store.size > 0) await new Promise(setImmediate);
    // The next proof sees the room; here a new connection brings it on.
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    while (!store.isComplete) await new Promise(setImmediate);
    expect(await store.isRevoked(ids[0]!)).toBe(false);
  });
});
