import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService } from '../support/service.js';

const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((network) => network?.address === '::1');

const PATH = '/v1/messages';

const DEGRADED = 'redis degraded: limits and revocation go on from memory';
const BACK = 'redis is back';

async function startSystem(env: Readonly<Record<string, string>>) {
  const service = await startService((_request, response) => response.end('{}'));
  const gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, RATELIMIT: 'on', ...env } });
  const stack = new AsyncDisposableStack();
  stack.use(service);
  stack.use(gateway);
  return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function ask({ url }: RunningGateway, headers: Record<string, string>): Promise<Response> {
  const response = await fetch(url + PATH, { headers });
  await response.bytes();
  return response;
}

/** Sixteen clients, each with a request on its way at all times, until they are told to end. */
function load(gateway: RunningGateway) {
  const statuses = new Map<number, number>();
  const over = new AbortController();
  const clients = Array.from({ length: 16 }, async () => {
    while (!over.signal.aborted) {
      const { status } = await ask(gateway, bearer());
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  return {
    count: () => [...statuses.values()].reduce((sum, count) => sum + count, 0),
    async end() {
      over.abort();
      await Promise.all(clients);
      return Object.fromEntries(statuses);
    },
  };
}

type RedisHealth = Readonly<Record<string, unknown>>;

async function health({
  url,
}: RunningGateway): Promise<{ status: string; redis: RedisHealth; http: number }> {
  const response = await fetch(`${url}/health/ready`);
  const body = (await response.json()) as { status: string; details: { redis: RedisHealth } };
  return { status: body.status, redis: body.details.redis, http: response.status };
}

async function isDegradedByMetric({ url }: RunningGateway): Promise<boolean> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return /^redis_degraded_mode\{.*\} 1$/m.test(metrics);
}

/** The lines of changes, in order. */
const changes = ({ logs }: RunningGateway): unknown[] =>
  logs.filter(({ message }) => message === DEGRADED || message === BACK).map(({ message }) => message);

describeWithRedis('Redis that', () => {
  it('is killed and comes back, under load, fails no request', async () => {
    await using redis = await RedisServer.start();
    await using system = await startSystem({ REDIS_URL: redis.url });
    const { gateway } = system;
    const running = load(gateway);
    const more = async (): Promise<void> => {
      for (const enough = running.count() + 200; running.count() < enough;) await new Promise(setImmediate);
    };

    for (let round = 1; round <= 2; round++) {
      await more();
      await redis.kill();
      await more();
      expect(await health(gateway)).toMatchObject({
        http: 200,
        redis: { status: 'degraded', message: 'unreachable' },
      });
      expect(await isDegradedByMetric(gateway)).toBe(true);
      await redis.restart();
      while (changes(gateway).length < 2 * round) await more();
      await more();
    }

    const statuses = await running.end();
    expect(Object.keys(statuses)).toEqual(['200']);
    expect(changes(gateway)).toEqual([DEGRADED, BACK, DEGRADED, BACK]);
    expect(await health(gateway)).toMatchObject({ redis: { status: 'up', revocation: 'in memory' } });
    expect(await isDegradedByMetric(gateway)).toBe(false);
  });

  it.each<[string, readonly string[], string]>([
    ['pauses its clients', ['CLIENT', 'PAUSE', '1500'], 'slow'],
    ['sleeps', ['DEBUG', 'SLEEP', '1.5'], 'slow'],
    ['is full', ['CONFIG', 'SET', 'maxmemory', '1'], 'out of memory'],
    ['becomes a replica that only reads', ['REPLICAOF', '127.0.0.1', '9'], 'read-only'],
  ])(
    '%s fails no request, and the gateway is degraded after the first that waited',
    async (_what, command, reason) => {
      await using redis = await RedisServer.start();
      const admin = await redis.client();
      await using system = await startSystem({ REDIS_URL: redis.url });
      const { gateway } = system;
      await ask(gateway, bearer());
      const [name, ...args] = command as [string, ...string[]];
      const told = admin.call(name, ...args);
      // Written, and so before what the gateway sends.
      await new Promise(setImmediate);

      const running = load(gateway);
      const line = await gateway.logged({ message: DEGRADED });
      const atFirst = running.count();
      while (running.count() < atFirst + 500) await new Promise(setImmediate);
      const statuses = await running.end();

      expect(Object.keys(statuses)).toEqual(['200']);
      expect(line).toMatchObject({ level: 'warn', reason });
      await told;
      if (reason === 'out of memory') await admin.config('SET', 'maxmemory', '0');
      if (reason === 'read-only') await admin.call('REPLICAOF', 'NO', 'ONE');
      await gateway.logged({ message: BACK });
      expect(changes(gateway)).toEqual([DEGRADED, BACK]);
    },
  );

  it('refuses the password leaves the gateway degraded, and says why', async () => {
    await using redis = await RedisServer.start('--requirepass', 'right');
    await using system = await startSystem({
      REDIS_HOST: `127.0.0.1:${redis.port}`,
      REDIS_URL: '',
      REDIS_PASSWORD: 'wrong',
    });
    const { gateway } = system;

    expect((await ask(gateway, bearer())).status).toBe(200);
    expect(await health(gateway)).toMatchObject({
      http: 200,
      redis: { status: 'degraded', message: 'access refused' },
    });
    expect(JSON.stringify(gateway.logs)).not.toContain('wrong');
  });

  it('is found by the variables of the contract, with its password', async () => {
    await using redis = await RedisServer.start('--requirepass', 'right');
    await using system = await startSystem({
      REDIS_HOST: `127.0.0.1:${redis.port}`,
      REDIS_URL: '',
      REDIS_PASSWORD: 'right',
    });

    expect(await health(system.gateway)).toMatchObject({ redis: { status: 'up' } });
  });

  // Not on a machine without IPv6.
  (HAS_IPV6 ? it : it.skip)('is found by an IPv6 address', async () => {
    await using redis = await RedisServer.start('--bind', '127.0.0.1', '::1');
    await using system = await startSystem({ REDIS_HOST: `[::1]:${redis.port}`, REDIS_URL: '' });

    expect(await health(system.gateway)).toMatchObject({ redis: { status: 'up' } });
  });

  it('is not there at the start is found once it is', async () => {
    await using redis = await RedisServer.start();
    const client = (): Promise<Awaited<ReturnType<RedisServer['client']>>> => redis.client();
    await redis.kill();
    await using system = await startSystem({ REDIS_URL: redis.url });
    const { gateway } = system;
    expect((await ask(gateway, bearer())).status).toBe(200);
    await redis.restart();
    const jti = randomUUID();
    await (await client()).set(`blacklist:${jti}`, 'revoked', 'EX', 900);

    await gateway.logged({ message: BACK });

    expect((await ask(gateway, bearer({ jti }))).status).toBe(401);
    expect(changes(gateway)).toEqual([DEGRADED, BACK]);
  });
});

describeWithRedis('limits without Redis', () => {
  it('go on in memory, in as many parts as there are gateways, and end with no burst', async () => {
    await using redis = await RedisServer.start();
    await using system = await startSystem({
      REDIS_URL: redis.url,
      RATELIMIT_MESSAGES: '10',
      GATEWAY_REPLICAS: '2',
    });
    const { gateway } = system;
    await redis.kill();
    await gateway.logged({ message: DEGRADED });
    const user = bearer();
    const seen: [number, string | null][] = [];
    const next = async (): Promise<void> => {
      const response = await ask(gateway, user);
      seen.push([response.status, response.headers.get('X-RateLimit-Remaining')]);
    };

    for (let each = 0; each < 4; each++) await next();
    expect(seen).toEqual([
      [200, '4'],
      [200, '3'],
      [200, '2'],
      [200, '1'],
    ]);
    await redis.restart();
    await gateway.logged({ message: BACK });
    // Of the ten, four are gone.
    await next();
    expect(seen.at(-1)).toEqual([200, '5']);
  });

  it('let at least one request pass', async () => {
    await using system = await startSystem({ RATELIMIT_MESSAGES: '1', GATEWAY_REPLICAS: '5' });
    const user = bearer();

    expect([(await ask(system.gateway, user)).status, (await ask(system.gateway, user)).status]).toEqual([
      200, 429,
    ]);
  });
});

describeWithRedis('100,000 revoked tokens', () => {
  it('are known at the start', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    const ids = Array.from({ length: 100_000 }, () => randomUUID());
    for (let at = 0; at < ids.length; at += 5_000) {
      const pipeline = client.pipeline();
      for (const id of ids.slice(at, at + 5_000)) pipeline.set(`blacklist:${id}`, 'revoked', 'EX', 900);
      await pipeline.exec();
    }
    const before = process.memoryUsage();
    const begun = performance.now();

    await using system = await startSystem({ REDIS_URL: redis.url });

    const seconds = ((performance.now() - begun) / 1000).toFixed(2);
    const mib = ((process.memoryUsage().rss - before.rss) / 1024 ** 2).toFixed(0);
    console.log(`start with 100,000 revoked tokens: ${seconds} s, ${mib} MiB more`);
    for (const jti of [ids[0]!, ids[50_000]!, ids.at(-1)!]) {
      expect((await ask(system.gateway, bearer({ jti }))).status).toBe(401);
    }
    expect((await ask(system.gateway, bearer())).status).toBe(200);
    // A busy machine may need longer than the boot waits.
    while ((await health(system.gateway)).redis['revocation'] !== 'in memory');
  }, 30_000);
});
