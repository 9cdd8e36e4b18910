import type { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { formatCommand } from '../support/redis-conversation.js';
import { StandInServer } from '../support/redis-stand-in.js';
import { startService } from '../support/service.js';

const FLAGS = { flags: 'KA' };

/** Clients that reconnect at once. */
const RECONNECTS = { retryStrategy: () => 10, maxRetriesPerRequest: null };

/** Resolves when the client is connected again; failed attempts are errors of the client. */
function untilReady(client: Redis): Promise<void> {
  return new Promise((resolve) => {
    client.once('ready', () => resolve());
  });
}

async function redisHealth({ url }: RunningGateway): Promise<Record<string, unknown>> {
  const { details } = (await (await fetch(`${url}/health/ready`)).json()) as {
    details: Record<string, Record<string, unknown>>;
  };
  return details['redis']!;
}

async function statusOf({ url }: RunningGateway, jti: string): Promise<number> {
  const response = await fetch(`${url}/v1/messages`, { headers: bearer({ jti }) });
  await response.bytes();
  return response.status;
}

/** The messages of a client that subscribes to all keys of database 0. */
async function subscribe(client: Redis): Promise<string[]> {
  const heard: string[] = [];
  client.on('pmessage', (_pattern: string, channel: string, event: string) => {
    heard.push(`${event} ${channel.slice('__keyspace@0__:'.length)}`);
  });
  await client.psubscribe('__keyspace@0__:*');
  return heard;
}

describe('the stand-in for Redis', () => {
  it('replies late, in order, while it is told to', async () => {
    await using redis = await StandInServer.start();
    const client = await redis.client();
    redis.standIn.delay(50);
    const sentAt = performance.now();
    const late = client.set('key', '1').then(() => performance.now() - sentAt);
    while (redis.standIn.get('key') !== '1') await client.ping();
    redis.standIn.delay(0);

    await client.get('key');

    expect(await late).toBeGreaterThan(48);
  });

  it('accepts connections and nothing more while it is stopped', async () => {
    await using redis = await StandInServer.start();
    const client = await redis.client();
    redis.standIn.stopResponding();
    const order: string[] = [];
    const reply = client.ping().then(() => order.push('reply'));
    await using other = await RawClient.connect(redis.port);
    other.write(formatCommand(['PING']));
    order.push('resumed');
    redis.standIn.resume();

    expect(await other.until(/PONG/)).toBe('+PONG\r\n');
    await reply;
    expect(order).toEqual(['resumed', 'reply']);
  });

  it('loses the notifications that it is told to lose', async () => {
    await using redis = await StandInServer.start(FLAGS);
    const client = await redis.client();
    const heard = await subscribe(client);
    redis.standIn.loseNotifications(true);
    await client.set('a', '1', 'EX', 60);
    redis.standIn.loseNotifications((_channel, event) => event === 'set');
    await client.set('b', '1', 'EX', 60);
    redis.standIn.loseNotifications(false);
    redis.standIn.set('c', '1', { px: 60_000 });
    redis.standIn.del('c');
    await client.ping();

    expect(heard).toEqual(['expire b', 'set c', 'expire c', 'del c']);
  });

  it.each([true, false])('restarts, and keeps its keys: %s', async (keepsData) => {
    await using redis = await StandInServer.start();
    const client = await redis.client(RECONNECTS);
    await client.config('SET', 'notify-keyspace-events', 'KA');
    await client.set('key', '1', 'EX', 60);
    redis.standIn.restart({ keepsData, downMs: 50 });
    expect(redis.standIn.isListening).toBe(false);
    await untilReady(client);

    expect(await client.get('key')).toBe(keepsData ? '1' : null);
    expect(await client.config('GET', 'notify-keyspace-events')).toEqual(['notify-keyspace-events', '']);
  });

  it('says that it loads its keys after a restart', async () => {
    await using redis = await StandInServer.start();
    redis.standIn.restart({ downMs: 0, loadingMs: 60_000 });
    await using client = await RawClient.connect(redis.port);
    client.write(formatCommand(['GET', 'key']));

    expect(await client.until(/\n/)).toBe('-LOADING Redis is loading the dataset in memory\r\n');
  });

  it('loses the last writes in a failover, of keys that were new, changed and deleted', async () => {
    await using redis = await StandInServer.start();
    const client = await redis.client(RECONNECTS);
    await client.set('changed', '1');
    await client.set('deleted', '1');
    const since = performance.now();
    await client.incrby('changed', 5);
    await client.del('deleted');
    await client.set('new', '1');

    redis.standIn.failover({ losesLastMs: performance.now() - since });

    await untilReady(client);
    expect([await client.get('changed'), await client.get('deleted'), await client.get('new')]).toEqual([
      '1',
      '1',
      null,
    ]);
    expect(() => redis.standIn.failover({ losesLastMs: 100_000 })).toThrow(RangeError);
  });

  it('leaves connections at the former primary, which is a replica now', async () => {
    await using redis = await StandInServer.start(FLAGS);
    const former = await redis.client();
    const heard = await subscribe(former);
    redis.standIn.failover({ keepsConnections: true });
    const next = await redis.client();

    await expect(former.set('key', '1')).rejects.toThrow(/^READONLY /);
    await next.set('key', '1');
    expect([await former.get('key'), heard]).toEqual(['1', ['set key']]);
  });

  it('leaves connections at a former primary that is stopped, until it goes on', async () => {
    await using redis = await StandInServer.start();
    const former = await redis.client();
    redis.standIn.stopResponding();
    redis.standIn.failover({ keepsConnections: true });
    const order: string[] = [];
    const late = former.ping().then(() => order.push('former'));
    const next = await redis.client();
    order.push(await next.set('key', '1').then(() => 'next'));
    redis.standIn.resume();
    await late;

    expect(order).toEqual(['next', 'former']);
  });

  it('tells of commands before they run, and of notifications when they are written', async () => {
    await using redis = await StandInServer.start(FLAGS);
    const [client, subscriber] = [await redis.client(), await redis.client({ connectionName: 'subscriber' })];
    await subscribe(subscriber);
    const seen: string[] = [];
    redis.standIn.onCommand((name, args) => seen.push([name, ...args].join(' ')));
    redis.standIn.onPush(({ connection, channel, message, pattern }) =>
      seen.push([connection.name, pattern, channel, message].join(' ')),
    );
    await client.set('ключ', '1');

    expect(seen).toEqual(['set ключ 1', 'subscriber __keyspace@0__:* __keyspace@0__:ключ set']);
    expect([redis.standIn.get('ключ'), redis.standIn.get('none')]).toEqual(['1', undefined]);
  });

  it.each([
    [false, 'set', /pmessage[^]*\+OK/],
    [true, 'set', /\+OK[^]*pmessage/],
  ])('tells a client of its own change after the reply: %s', async (pushesFollowReplies, event, order) => {
    await using redis = await StandInServer.start({ ...FLAGS, pushesFollowReplies });
    await using client = await RawClient.connect(redis.port);
    client.write(['HELLO 3', 'PSUBSCRIBE *', 'SET key 1', 'QUIT', ''].join('\r\n'));
    const { text } = await client.ended();

    expect(text.replace(/^[^]*psubscribe/, '')).toMatch(order);
    expect(text).toContain(event);
  });

  it.each([
    ['an argument of more than 1 MiB', `*2\r\n$3\r\nGET\r\n$${1024 * 1024 + 1}\r\n`],
    ['arguments of more than 8 MiB', `*9\r\n${`$1048576\r\n${'x'.repeat(1024 * 1024)}\r\n`.repeat(8)}$9\r\n`],
  ])('refuses %s', async (_what, bytes) => {
    await using redis = await StandInServer.start();
    await using client = await RawClient.connect(redis.port);
    client.write(bytes);

    expect((await client.ended()).text).toBe('-ERR Protocol error: invalid bulk length\r\n');
  });

  it('refuses a script without a twin', async () => {
    await using redis = await StandInServer.start();
    const client = await redis.client();

    await expect(client.eval('return 1', 0)).rejects.toThrow('ERR unknown script of the stand-in');
  });

  it('survives a reset after each byte', async () => {
    await using redis = await StandInServer.start(FLAGS);
    const bytes = formatCommand(['SUBSCRIBE', 'news']) + formatCommand(['GET', 'key']);
    for (let length = 1; length <= bytes.length; length++) {
      const client = await RawClient.connect(redis.port);
      await new Promise<void>((resolve) => {
        client.socket.write(bytes.slice(0, length), () => resolve());
      });
      client.socket.resetAndDestroy();
    }
    const client = await redis.client();
    while (redis.standIn.connections.length > 1) await client.ping();

    expect(await client.publish('news', 'none')).toBe(0);
  });
});

describe('a gateway over the stand-in for Redis', () => {
  it.each([
    ['READONLY', 'read-only'],
    ['NOREPLICAS', 'too few replicas'],
    ['OOM', 'out of memory'],
    ['MISCONF', 'not persisting'],
    ['LOADING', 'loading'],
    ['MASTERDOWN', 'without its master'],
  ])('knows why it refuses with %s, and that it does no more', async (code, message) => {
    await using service = await startService((_request, response) => response.end('{}'));
    await using redis = await StandInServer.start();
    await using gateway = await startGateway({
      env: { REDIS_URL: redis.url, CHAT_SERVICE_URL: service.url, RATELIMIT: 'on' },
    });
    const jti = randomUUID();
    redis.standIn.set(`blacklist:${jti}`, 'revoked', { px: 900_000 });
    redis.standIn.refuseWrites(code);
    while ((await redisHealth(gateway))['message'] !== message) await statusOf(gateway, randomUUID());
    expect([await statusOf(gateway, jti), await statusOf(gateway, randomUUID())]).toEqual([401, 200]);
    redis.standIn.refuseWrites(undefined);

    await gateway.logged({ message: 'redis is back' });
  });
});
