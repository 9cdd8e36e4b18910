import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { accessClaims, bearer, signToken, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService } from '../support/service.js';
import { openSocket, startSocketService } from '../support/websocket.js';

const PROFILE = '/v1/auth/profile';

/** A gateway over this Redis, whose auth service answers everything. */
async function startSystem(redis: RedisServer, env: Readonly<Record<string, string>> = {}) {
  const service = await startService((_request, response) => response.end('{}'));
  const sockets = await startSocketService();
  const gateway = await startGateway({
    env: { REDIS_URL: redis.url, AUTH_SERVICE_URL: service.url, CHAT_SERVICE_URL: sockets.url, ...env },
  });
  const stack = new AsyncDisposableStack();
  stack.use(service);
  stack.use(sockets);
  stack.use(gateway);
  return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function ask({ url }: RunningGateway, jti: string): Promise<[number, unknown]> {
  const response = await fetch(`${url}${PROFILE}`, { headers: bearer({ jti }) });
  const body = (await response.json()) as { error?: string };
  return [response.status, body.error];
}

/** Asks until the answer is this one; the test's own time is the limit. */
async function untilStatus(gateway: RunningGateway, jti: string, status: number): Promise<void> {
  while ((await ask(gateway, jti))[0] !== status);
}

async function redisHealth({ url }: RunningGateway): Promise<Record<string, unknown>> {
  const { details } = (await (await fetch(`${url}/health/ready`)).json()) as {
    details: Record<string, Record<string, unknown>>;
  };
  return details['redis']!;
}

describeWithRedis('a revoked token', () => {
  it('that was revoked before the gateway began is refused', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    const [jti, other] = [randomUUID(), randomUUID()];
    await client.set(`blacklist:${jti}`, 'revoked', 'EX', 900);
    await using system = await startSystem(redis);

    expect(await ask(system.gateway, jti)).toEqual([401, 'Token revoked']);
    expect((await ask(system.gateway, other))[0]).toBe(200);
  });

  it('is refused, and its sockets closed with 4403, as soon as somebody writes its key', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    await using system = await startSystem(redis);
    const jti = randomUUID();
    const headers = bearer({ jti });
    await using socket = await openSocket(system.gateway, undefined, { headers });
    await using other = await openSocket(system.gateway);
    expect((await ask(system.gateway, jti))[0]).toBe(200);

    await client.set(`blacklist:${jti}`, 'revoked', 'EX', 900);

    expect(await socket.closed).toEqual({ code: 4403, reason: 'token revoked' });
    expect(await ask(system.gateway, jti)).toEqual([401, 'Token revoked']);
    expect(other.socket.readyState).toBe(1);
  });

  it('costs Redis nothing for each request, once it is known or not', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    await using system = await startSystem(redis);
    const [revoked, valid] = [randomUUID(), randomUUID()];
    await client.set(`blacklist:${revoked}`, 'revoked', 'EX', 900);
    await untilStatus(system.gateway, revoked, 401);
    const monitor = await redis.monitor();
    const seen: string[][] = [];
    monitor.on('monitor', (_time: string, args: string[]) => seen.push(args));

    for (let round = 0; round < 50; round++) {
      await ask(system.gateway, revoked);
      await ask(system.gateway, valid);
    }
    await client.set('the end', '1');
    while (!seen.some(([, key]) => key === 'the end')) await once(monitor, 'monitor');

    const commands = seen.filter(
      (args) =>
        !args.some((arg) => arg.startsWith('gateway:notifications:') || arg === 'gateway:probe') &&
        args[1] !== 'the end',
    );
    expect(commands.filter(([name]) => name?.toUpperCase() !== 'PING')).toEqual([]);
  });

  it('stays revoked when Redis gives up its key for want of memory, and not when somebody deletes it', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    await using system = await startSystem(redis);
    const [evicted, deleted] = [randomUUID(), randomUUID()];
    for (const jti of [evicted, deleted]) await client.set(`blacklist:${jti}`, 'revoked', 'EX', 900);
    await untilStatus(system.gateway, deleted, 401);

    // All that may expire goes at once.
    await client.config('SET', 'maxmemory-policy', 'volatile-random');
    await client.del(`blacklist:${deleted}`);
    await client.config('SET', 'maxmemory', '1');
    while ((await client.exists(`blacklist:${evicted}`)) === 1);

    await untilStatus(system.gateway, deleted, 200);
    expect(await ask(system.gateway, evicted)).toEqual([401, 'Token revoked']);
  });

  it('is found in another database, where the URL names one', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client({ db: 3 });
    await using system = await startSystem(redis, { REDIS_URL: `${redis.url}/3` });
    const jti = randomUUID();

    await client.set(`blacklist:${jti}`, 'revoked', 'EX', 900);

    await untilStatus(system.gateway, jti, 401);
  });

  it('that was missed while the connection was lost is found by a scan', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    await using system = await startSystem(redis);
    const jti = randomUUID();
    await using socket = await openSocket(system.gateway, undefined, { headers: bearer({ jti }) });

    // In one step for Redis: nobody hears of the key.
    await client
      .multi()
      .call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      .set(`blacklist:${jti}`, 'revoked', 'EX', 900)
      .exec();

    expect(await socket.closed).toEqual({ code: 4403, reason: 'token revoked' });
    expect(await ask(system.gateway, jti)).toEqual([401, 'Token revoked']);
  });

  it('is known still where Redis comes back empty', async () => {
    await using redis = await RedisServer.start();
    await using system = await startSystem(redis);
    const jti = randomUUID();
    await (await redis.client()).set(`blacklist:${jti}`, 'revoked', 'EX', 900);
    await untilStatus(system.gateway, jti, 401);

    await redis.kill();
    expect(await ask(system.gateway, jti)).toEqual([401, 'Token revoked']);
    await redis.restart();
    await system.gateway.logged({ message: 'redis is back' });

    expect(await ask(system.gateway, jti)).toEqual([401, 'Token revoked']);
  });

  it('stays revoked though the clock of this machine is behind that of whoever issued it', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    await using system = await startSystem(redis);
    const claims = accessClaims();
    const token = { Authorization: `Bearer ${signToken(claims)}` };
    const jti = claims['jti'] as string;
    // The token is at its end, as Redis sees it; here it has a quarter of an hour.
    await client.set(`blacklist:${jti}`, 'revoked', 'PX', 50);
    await untilStatus(system.gateway, jti, 401);
    while ((await client.exists(`blacklist:${jti}`)) === 1);

    const response = await fetch(`${system.gateway.url}${PROFILE}`, { headers: token });

    expect(response.status).toBe(401);
  });
});

describeWithRedis('notifications', () => {
  it('are asked for, beside those that somebody else has asked for', async () => {
    await using redis = await RedisServer.start('--notify-keyspace-events', 'Ex');
    const client = await redis.client();
    await using system = await startSystem(redis);

    expect(await redisHealth(system.gateway)).toEqual({ status: 'up', revocation: 'in memory' });
    const [, flags] = (await client.config('GET', 'notify-keyspace-events')) as [string, string];
    expect(flags.split('').toSorted()).toEqual(['$', 'E', 'K', 'g', 'x']);
  });

  it('need no permission where they are on', async () => {
    const acl = 'gateway on >pw ~* &* +@all -config'.split(' ');
    await using redis = await RedisServer.start('--notify-keyspace-events', 'AK', '--user', ...acl);
    await using system = await startSystem(redis, {
      REDIS_URL: `redis://gateway:pw@127.0.0.1:${redis.port}`,
    });

    expect(await redisHealth(system.gateway)).toEqual({ status: 'up', revocation: 'in memory' });
  });

  it('that are not permitted cost a look-up for each request, as health says; sockets are closed all the same', async () => {
    await using redis = await RedisServer.start(
      '--user',
      'gateway',
      'on',
      '>pw',
      '~*',
      '&*',
      '+@all',
      '-config',
    );
    const client = await redis.client();
    await using system = await startSystem(redis, {
      REDIS_URL: `redis://gateway:pw@127.0.0.1:${redis.port}`,
    });
    const { gateway } = system;
    expect(await redisHealth(gateway)).toEqual({ status: 'up', revocation: 'asked for each request' });
    const jti = randomUUID();
    await using socket = await openSocket(gateway, undefined, { headers: bearer({ jti }) });

    await client.set(`blacklist:${jti}`, 'revoked', 'EX', 900);

    expect(await ask(gateway, jti)).toEqual([401, 'Token revoked']);
    expect(await socket.closed).toEqual({ code: 4403, reason: 'token revoked' });
  });
});
