import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { StandInServer } from '../support/redis-stand-in.js';
import { startService } from '../support/service.js';
import { openSocket, startSocketService } from '../support/websocket.js';

/** The suite runs against each. */
const SERVERS = [
  { name: 'redis-server', describeServer: describeWithRedis, start: () => RedisServer.start() },
  { name: 'the stand-in for Redis', describeServer: describe, start: () => StandInServer.start() },
];

type AnyServer = RedisServer | StandInServer;

/** A gateway over this Redis; its services respond 200 to each request. */
async function startSystem({ url }: AnyServer, env: Readonly<Record<string, string>> = {}) {
  const service = await startService((_request, response) => response.end('{}'));
  const sockets = await startSocketService();
  const gateway = await startGateway({
    env: {
      REDIS_URL: url,
      AUTH_SERVICE_URL: service.url,
      STORAGE_SERVICE_URL: service.url,
      CHAT_SERVICE_URL: sockets.url,
      ...env,
    },
  });
  const stack = new AsyncDisposableStack();
  stack.use(service);
  stack.use(sockets);
  stack.use(gateway);
  return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function statusOf(
  { url }: RunningGateway,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<number> {
  const response = await fetch(`${url}/v1/auth/profile`, { headers: bearer(claims) });
  await response.bytes();
  return response.status;
}

async function redisHealth({ url }: RunningGateway): Promise<unknown> {
  const { details } = (await (await fetch(`${url}/health/ready`)).json()) as {
    details: Record<string, unknown>;
  };
  return details['redis'];
}

for (const { name, describeServer, start } of SERVERS) {
  describeServer(`${name}, for the gateway`, () => {
    it('has 3,000 revocations that the boot reads, while other keys are written', async () => {
      await using redis = await start();
      const client = await redis.client();
      const ids = Array.from({ length: 3_000 }, () => randomUUID());
      const pipeline = client.pipeline();
      for (const [index, id] of ids.entries()) {
        pipeline.set(`blacklist:${id}`, 'revoked', 'EX', 900).set(`other:${index}`, '1');
      }
      await pipeline.exec();
      await using system = await startSystem(redis);

      expect(await redisHealth(system.gateway)).toEqual({ status: 'up', revocation: 'in memory' });
      const metrics = await (await fetch(`${system.gateway.url}/metrics`)).text();
      expect(metrics).toMatch(/revo\w+(?:\{[^}]*\})? 3000$/m);
      const asked = ids.filter((_, index) => index % 300 === 0);
      const statuses = await Promise.all(asked.map((jti) => statusOf(system.gateway, { jti })));
      expect(new Set(statuses)).toEqual(new Set([401]));
      expect(await statusOf(system.gateway)).toBe(200);
    });

    it('notifies of revocations, of tokens and sessions, and of their end', async () => {
      await using redis = await start();
      const client = await redis.client();
      await using system = await startSystem(redis);
      const { gateway } = system;
      const [jti, sid] = [randomUUID(), randomUUID()];
      await using socket = await openSocket(gateway, undefined, { headers: bearer({ jti }) });
      expect(await statusOf(gateway, { jti, sid })).toBe(200);

      await client.set(`blacklist:${jti}`, 'revoked', 'EX', 900);
      await client.set(`blacklist:session:${sid}`, 'revoked', 'EX', 900);

      expect(await socket.closed).toEqual({ code: 4403, reason: 'token revoked' });
      while ((await statusOf(gateway, { sid })) !== 401);
      await client.del(`blacklist:${jti}`);
      while ((await statusOf(gateway, { jti })) !== 200);
    });

    it('counts the requests of a limit, in one window', async () => {
      await using redis = await start();
      const client = await redis.client();
      await using system = await startSystem(redis, { RATELIMIT: 'on' });
      const { gateway } = system;
      const headers = bearer();
      const ask = async () => {
        const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers });
        await response.bytes();
        return Number(response.headers.get('x-ratelimit-remaining'));
      };

      const first = await ask();
      const rest = [await ask(), await ask(), await ask()];

      expect(rest).toEqual([first - 1, first - 2, first - 3]);
      const [key] = await client.keys('gateway:ratelimit*');
      expect(await client.get(key!)).toBe('4');
      expect(await client.ttl(key!)).toBeGreaterThan(50);
      expect(await redisHealth(gateway)).toMatchObject({ status: 'up' });
    });

    it('lets ioredis connect over RESP3 and RESP2, with a name and a database', async () => {
      await using redis = await start();
      for (const protocol of [3, 2]) {
        const client = await redis.client({ protocol, connectionName: 'test', db: 3 });
        expect(await client.client('GETNAME')).toBe('test');
        await client.set('key', 'a é \0 b');
        expect([await client.get('key'), await client.pttl('key'), await client.get('none')]).toEqual([
          'a é \0 b',
          -1,
          null,
        ]);
      }
      expect(await (await redis.client()).get('key')).toBeNull();
    });

    it('notifies of a key that expires although nobody reads it', async () => {
      await using redis = await start();
      const [client, subscriber] = [await redis.client(), await redis.client()];
      await client.config('SET', 'notify-keyspace-events', 'Ex');
      await subscriber.subscribe('__keyevent@0__:expired');

      await client.set('key', '1', 'PX', 30);

      expect(await once(subscriber, 'message')).toEqual(['__keyevent@0__:expired', 'key']);
      expect(await client.exists('key')).toBe(0);
    });

    it('finds in a scan each key that is there from its first step to its last', async () => {
      await using redis = await start();
      const client = await redis.client();
      const kept = Array.from({ length: 1_000 }, (_, index) => `kept:${index}`);
      await Promise.all(kept.map((key) => client.set(key, '1')));
      const found = new Set<string>();
      let [cursor, steps] = ['0', 0];

      do {
        const [next, keys] = await client.scan(cursor, 'MATCH', 'kept:*', 'COUNT', 50);
        for (const key of keys) found.add(key);
        cursor = next;
        steps++;
        // The table of Redis grows and shrinks meanwhile.
        const others = Array.from({ length: 200 }, (_, index) => `other:${steps}:${index}`);
        await Promise.all(others.map((key) => client.set(key, '1')));
        if (steps % 3 === 0) await client.del(...others);
      } while (cursor !== '0');

      expect(found).toEqual(new Set(kept));
      expect(steps).toBeGreaterThan(10);
    });
  });
}
