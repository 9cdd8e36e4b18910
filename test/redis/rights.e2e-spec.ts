import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService } from '../support/service.js';

/** A gateway with limits, over this Redis. */
async function startSystem(url: string) {
  const service = await startService((_request, response) => response.end('{}'));
  const gateway = await startGateway({
    env: { REDIS_URL: url, RATELIMIT: 'on', CHAT_SERVICE_URL: service.url },
  });
  const stack = new AsyncDisposableStack();
  stack.use(service);
  stack.use(gateway);
  return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function status({ url }: RunningGateway, jti: string): Promise<number> {
  const response = await fetch(`${url}/v1/messages`, { headers: bearer({ jti }) });
  await response.bytes();
  return response.status;
}

async function redisHealth({ url }: RunningGateway): Promise<Record<string, unknown>> {
  const { details } = (await (await fetch(`${url}/health/ready`)).json()) as {
    details: Record<string, Record<string, unknown>>;
  };
  return details['redis']!;
}

describeWithRedis('a Redis that lets the gateway', () => {
  const USER = 'on >pw ~*';
  const ASKED = { status: 'up', revocation: 'asked for each request' };
  it.each([
    ['hear no channel', ['--user', 'gateway', ...USER.split(' '), 'resetchannels', '+@all']],
    ['not read all keys', ['--rename-command', 'SCAN', '']],
    [
      'hear of some changes only, and change no flag',
      ['--notify-keyspace-events', 'K$', '--user', 'gateway', ...USER.split(' '), '&*', '+@all', '-config'],
    ],
  ])('%s is asked for each token, and no more is amiss', async (_what, args) => {
    await using redis = await RedisServer.start(...args);
    const admin = await redis.client();
    const before = randomUUID();
    await admin.set(`blacklist:${before}`, 'revoked', 'EX', 900);
    const user = args.includes('--user') ? 'gateway:pw@' : '';
    await using system = await startSystem(`redis://${user}127.0.0.1:${redis.port}`);
    const { gateway } = system;

    expect(await redisHealth(gateway)).toEqual(ASKED);
    const after = randomUUID();
    await admin.set(`blacklist:${after}`, 'revoked', 'EX', 900);
    expect([
      await status(gateway, before),
      await status(gateway, after),
      await status(gateway, randomUUID()),
    ]).toEqual([401, 401, 200]);
    await admin.del(`blacklist:${after}`);
    expect(await status(gateway, randomUUID())).toBe(200);
    expect(await redisHealth(gateway)).toEqual(ASKED);
    expect(gateway.logs.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('only read the keys of revocations lacks nothing', async () => {
    const user = 'gateway on >pw ~gateway:* %R~blacklist:* &* +@all'.split(' ');
    await using redis = await RedisServer.start('--user', ...user);
    const admin = await redis.client();
    const [before, after, other] = [randomUUID(), randomUUID(), randomUUID()];
    await admin.set(`blacklist:${before}`, 'revoked', 'EX', 900);
    await using system = await startSystem(`redis://gateway:pw@127.0.0.1:${redis.port}`);
    const { gateway } = system;

    expect(await redisHealth(gateway)).toEqual({ status: 'up', revocation: 'in memory' });
    await admin.set(`blacklist:${after}`, 'revoked', 'EX', 900);
    while ((await status(gateway, after)) !== 401);
    expect([await status(gateway, before), await status(gateway, other)]).toEqual([401, 200]);
  });

  it('hear of nothing and only read the keys of revocations is asked for each token', async () => {
    const user = 'gateway on >pw ~gateway:* %R~blacklist:* resetchannels +@all'.split(' ');
    await using redis = await RedisServer.start('--user', ...user);
    const admin = await redis.client();
    await using system = await startSystem(`redis://gateway:pw@127.0.0.1:${redis.port}`);
    const { gateway } = system;
    const jti = randomUUID();

    await admin.set(`blacklist:${jti}`, 'revoked', 'EX', 900);

    expect([await status(gateway, jti), await status(gateway, randomUUID())]).toEqual([401, 200]);
    expect(await redisHealth(gateway)).toEqual(ASKED);
  });

  it('read and not write refuses revoked tokens all the same', async () => {
    await using redis = await RedisServer.start();
    const admin = await redis.client();
    const [before, after] = [randomUUID(), randomUUID()];
    await admin.set(`blacklist:${before}`, 'revoked', 'EX', 900);
    await admin.config('SET', 'maxmemory', '1');
    await using system = await startSystem(redis.url);
    const { gateway } = system;

    expect(await redisHealth(gateway)).toMatchObject({ status: 'degraded', message: 'out of memory' });
    expect([await status(gateway, before), await status(gateway, after)]).toEqual([401, 200]);
    await admin.config('SET', 'maxmemory', '0');
    await gateway.logged({ message: 'redis is back' });
    await admin.set(`blacklist:${after}`, 'revoked', 'EX', 900);
    while ((await status(gateway, after)) !== 401);
  });
});

describeWithRedis('an event of a revoked key', () => {
  it('that says somebody looked for it in vain revokes nothing', async () => {
    await using redis = await RedisServer.start('--notify-keyspace-events', 'KAm');
    const client = await redis.client();
    await using system = await startSystem(redis.url);
    const [looked, revoked] = [randomUUID(), randomUUID()];

    await client.get(`blacklist:${looked}`);
    await client.set(`blacklist:${revoked}`, 'revoked', 'EX', 900);

    // Events come in order.
    while ((await status(system.gateway, revoked)) !== 401);
    expect(await status(system.gateway, looked)).toBe(200);
  });

  it('comes for each of a thousand at once, and none is missed', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    await using system = await startSystem(redis.url);
    const { gateway } = system;
    const ids = Array.from({ length: 1_000 }, () => randomUUID());

    const pipeline = client.pipeline();
    for (const id of ids) pipeline.set(`blacklist:${id}`, 'revoked', 'EX', 900);
    await pipeline.exec();

    while ((await status(gateway, ids.at(-1)!)) !== 401);
    const seen = new Set(await Promise.all(ids.map((id) => status(gateway, id))));
    expect([...seen]).toEqual([401]);
    expect(await redisHealth(gateway)).toEqual({ status: 'up', revocation: 'in memory' });
    expect(gateway.logs.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});

describeWithRedis('a Redis that still loads its data', () => {
  it('does not hold up the start, and is used once it has', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gateway-redis-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(dir, { recursive: true }));
    const jti = randomUUID();
    const redis = stack.use(await RedisServer.start('--dir', dir));
    const client = await redis.client();
    await client.set(`blacklist:${jti}`, 'revoked', 'EX', 900);
    await client.call('DEBUG', 'POPULATE', '20000');
    await client.save();
    await redis.kill();
    // Microseconds for each key.
    const loading = redis.restart(
      '--key-load-delay',
      '200',
      '--loading-process-events-interval-bytes',
      '1024',
    );
    await redis.reachable();

    await using system = await startSystem(redis.url);
    const { gateway } = system;

    // Until Redis has responded to a command, it is only slow.
    while ((await redisHealth(gateway))['message'] === 'slow');
    expect(await redisHealth(gateway)).toMatchObject({ status: 'degraded', message: 'loading' });
    expect(await status(gateway, randomUUID())).toBe(200);
    await loading;
    await gateway.logged({ message: 'redis is back' });
    while ((await status(gateway, jti)) !== 401);
  }, 30_000);
});
