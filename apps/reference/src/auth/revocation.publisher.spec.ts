import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeWithRedis, RedisServer } from '../../../../test/support/redis.js';
import { startService, type RunningService } from '../../test/running-service.js';
import { Database } from '../database.js';
import { RevocationPublisher } from './revocation.publisher.js';

const MOST_PENDING = 10_000;

const startAuth = (redis: RedisServer): Promise<RunningService> =>
  startService('auth', { redisUrl: redis.url });

async function metricOf({ url }: RunningService, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

describeWithRedis('revocations that wait for Redis', () => {
  const tokens = (count: number, life: number) =>
    Array.from({ length: count }, (_, at) => ({
      jti: `${life}-${at}`,
      expires_at: Math.floor(Date.now() / 1000) + life,
    }));

  it('are kept up to a bound, past which the oldest are dropped and counted, and all the others are written', async () => {
    await using redis = await RedisServer.start();
    await using auth = await startAuth(redis);
    const publisher = auth.app.get(RevocationPublisher);
    await redis.kill();

    publisher.publish({ userId: 'ada', tokens: tokens(7, 900), sessions: [] });
    publisher.publish({ userId: 'ada', tokens: tokens(MOST_PENDING, 901), sessions: [] });
    expect(await metricOf(auth, 'revocations_pending')).toBe(MOST_PENDING);
    expect(await metricOf(auth, 'revocations_dropped_total')).toBe(7);
    await redis.restart();

    const client = await redis.client();
    while ((await client.dbsize()) < MOST_PENDING);
    expect(await client.exists('blacklist:900-6')).toBe(0);
    expect(await client.exists('blacklist:901-0', `blacklist:901-${MOST_PENDING - 1}`)).toBe(2);
    while ((await metricOf(auth, 'revocations_pending')) > 0);
    expect(await metricOf(auth, 'revocations_dropped_total')).toBe(7);
  });

  it('are dropped from the user with most of them, the keys of sessions last', async () => {
    await using redis = await RedisServer.start();
    await using auth = await startAuth(redis);
    const publisher = auth.app.get(RevocationPublisher);
    await redis.kill();

    publisher.publish({ userId: 'ada', tokens: tokens(2, 900), sessions: [{ id: 'ada' }] });
    for (let batch = 0; batch < 6; batch++) {
      publisher.publish({
        userId: 'eve',
        tokens: tokens(2_000, 1_000 + batch),
        sessions: [{ id: `eve-${batch}` }],
      });
    }

    expect(await metricOf(auth, 'revocations_pending')).toBe(MOST_PENDING);
    expect(await metricOf(auth, 'revocations_dropped_total')).toBe(12_009 - MOST_PENDING);
    await redis.restart();
    const client = await redis.client();
    while ((await client.dbsize()) < MOST_PENDING);
    const kept = ['blacklist:900-0', 'blacklist:900-1', 'blacklist:session:ada'];
    for (let batch = 0; batch < 6; batch++) kept.push(`blacklist:session:eve-${batch}`);
    expect(await client.exists(...kept)).toBe(kept.length);
  });

  it('are kept by a change of the password of a user with more sessions than the bound', async () => {
    await using redis = await RedisServer.start();
    await using auth = await startAuth(redis);
    const person = { email: 'ada@example.org', username: 'ada', password: 'correct horse' };
    const { body } = await auth.send('POST', '/v1/auth/register', undefined, person);
    const { access_token, user } = body.data as { access_token: string; user: { id: string } };
    auth.app.get(Database).run`
      INSERT INTO sessions (id, user_id, rotation, expires_at)
      SELECT value, ${user.id}, '', ${Math.floor(Date.now() / 1000) + 900} FROM (
        WITH RECURSIVE n(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n LIMIT ${MOST_PENDING + 1})
        SELECT * FROM n)`;

    const change = { current_password: person.password, new_password: 'battery staple' };
    expect((await auth.send('POST', '/v1/users/me/password', access_token, change)).status).toBe(200);

    const client = await redis.client();
    while ((await metricOf(auth, 'revocations_pending')) > 0);
    expect(await client.exists('blacklist:session:1', `blacklist:session:${MOST_PENDING + 1}`)).toBe(2);
    expect(await metricOf(auth, 'revocations_dropped_total')).toBe(0);
  });

  it('are written from a database of an earlier version', async () => {
    await using redis = await RedisServer.start();
    await using stack = new AsyncDisposableStack();
    const dataDir = await mkdtemp(join(tmpdir(), 'revocations-spec-'));
    stack.defer(() => rm(dataDir, { recursive: true }));
    {
      using old = new DatabaseSync(join(dataDir, 'auth.sqlite'));
      old.exec(`
        CREATE TABLE pending_revocations (key TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT;
        INSERT INTO pending_revocations VALUES ('blacklist:old', unixepoch() + 900)`);
    }

    const auth = stack.use(await startService('auth', { redisUrl: redis.url, dataDir }));

    const client = await redis.client();
    while ((await client.exists('blacklist:old')) === 0);
    auth.app.get(RevocationPublisher).publish({ userId: 'ada', tokens: tokens(1, 900), sessions: [] });
    while ((await client.exists('blacklist:900-0')) === 0);
    while ((await metricOf(auth, 'revocations_pending')) > 0);
    expect(await metricOf(auth, 'revocations_dropped_total')).toBe(0);
  });

  it('are none for tokens and sessions that have expired', async () => {
    await using redis = await RedisServer.start();
    await using auth = await startAuth(redis);
    const person = { email: 'ada@example.org', username: 'ada', password: 'correct horse' };
    const { body } = await auth.send('POST', '/v1/auth/register', undefined, person);
    const past = Math.floor(Date.now() / 1000) - 60;
    const database = auth.app.get(Database);
    database.run`UPDATE sessions SET expires_at = ${past}`;
    database.run`UPDATE access_tokens SET expires_at = ${past}`;
    await redis.kill();

    const change = { current_password: person.password, new_password: 'battery staple' };
    // A token without a session: no session stays open.
    database.run`UPDATE access_tokens SET session_id = 'another'`;
    database.run`UPDATE sessions SET id = 'another'`;
    const { status } = await auth.send('POST', '/v1/users/me/password', body.data.access_token, change);

    expect(status).toBe(200);
    expect(await metricOf(auth, 'revocations_pending')).toBe(0);
  });

  it('are written to the present address of Redis', async () => {
    await using old = await RedisServer.start();
    await using auth = await startAuth(old);
    const publisher = auth.app.get(RevocationPublisher);
    const admin = await old.client();
    await admin.call('REPLICAOF', '127.0.0.1', '9');
    publisher.publish({ userId: 'ada', tokens: tokens(1, 900), sessions: [] });
    const connections = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))![1]);
    const before = await connections();

    // Each attempt is a new connection, for which the name is resolved again.
    while ((await connections()) < before + 2);
    expect(await metricOf(auth, 'revocations_pending')).toBe(1);
    await admin.call('REPLICAOF', 'NO', 'ONE');
    while ((await admin.exists('blacklist:900-0')) === 0);
  });

  it.each([
    ['POST', '/v1/auth/logout'],
    ['DELETE', '/v1/users/me'],
  ])('are kept, or else the session goes on: %s %s', async (method, path) => {
    await using redis = await RedisServer.start();
    await using auth = await startAuth(redis);
    const database = auth.app.get(Database);
    const person = { email: 'ada@example.org', username: 'ada', password: 'correct horse' };
    const { body } = await auth.send('POST', '/v1/auth/register', undefined, person);
    const token = body.data.access_token as string;
    database.run`
      CREATE TEMP TRIGGER full BEFORE INSERT ON main.pending_revocations
      BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`;

    expect((await auth.send(method, path, token)).status).toBe(500);
    expect((await auth.send('GET', '/v1/auth/profile', token)).status).toBe(200);
    database.run`DROP TRIGGER full`;

    expect((await auth.send(method, path, token)).status).toBe(200);
    const client = await redis.client();
    while ((await client.dbsize()) < 2);
  });

  it('are given up with the end of the token', async () => {
    await using redis = await RedisServer.start();
    await using auth = await startAuth(redis);
    await redis.kill();

    auth.app.get(RevocationPublisher).publish({ userId: 'ada', tokens: tokens(1, -5), sessions: [] });
    auth.app.get(RevocationPublisher).publish({ userId: 'ada', tokens: tokens(1, 900), sessions: [] });

    expect(await metricOf(auth, 'revocations_pending')).toBe(1);
    expect(await metricOf(auth, 'revocations_dropped_total')).toBe(0);
  });
});
