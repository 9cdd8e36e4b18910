import { randomUUID } from 'node:crypto';
import dns from 'node:dns';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService } from '../support/service.js';
import { openSocket, startSocketService } from '../support/websocket.js';

/** Has the address of the server that was chosen last. */
const NAME = 'redis.test';

type LookupCallback = (error: null, addresses: unknown, family?: number) => void;

/** A name of this process that every new connection resolves. */
function createName(server: RedisServer) {
  let current = server;
  const { lookup } = dns;
  const spy = jest.spyOn(dns, 'lookup').mockImplementation(((
    name: string,
    options: dns.LookupOptions,
    callback: LookupCallback,
  ) => {
    if (name !== NAME) return lookup(name, options, callback as never);
    const { address } = current;
    process.nextTick(() =>
      options.all ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4),
    );
  }) as never);
  return {
    url: `redis://${NAME}:${server.port}`,
    pointTo: (next: RedisServer) => (current = next),
    [Symbol.dispose]: () => spy.mockRestore(),
  };
}

/** A master and its replica, on one port of two addresses. */
async function startPair() {
  const stack = new AsyncDisposableStack();
  const master = stack.use(await RedisServer.start());
  const replica = stack.use(await master.startReplica());
  return { master, replica, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function startSystem(env: Readonly<Record<string, string>>) {
  const stack = new AsyncDisposableStack();
  const service = stack.use(await startService((_request, response) => response.end('{}')));
  const sockets = stack.use(await startSocketService());
  const gateway = stack.use(
    await startGateway({
      env: {
        RATELIMIT: 'on',
        RATELIMIT_MESSAGES: '1000000',
        AUTH_SERVICE_URL: service.url,
        CHAT_SERVICE_URL: sockets.url,
        ...env,
      },
    }),
  );
  return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function statusOf({ url }: RunningGateway, jti: string): Promise<number> {
  const response = await fetch(`${url}/v1/auth/profile`, { headers: bearer({ jti }) });
  await response.bytes();
  return response.status;
}

async function redisHealth({ url }: RunningGateway): Promise<unknown> {
  const { details } = (await (await fetch(`${url}/health/ready`)).json()) as {
    details: Record<string, unknown>;
  };
  return details['redis'];
}

describeWithRedis('a Redis that fails over', () => {
  it.each([
    ['while requests are limited', { RATELIMIT: 'on' }],
    ['while nothing is written', { RATELIMIT: 'off' }],
  ])('%s is left for the new master: limits and revocation work there', async (_when, env) => {
    await using pair = await startPair();
    const { master, replica } = pair;
    using name = createName(master);
    await using system = await startSystem({ REDIS_URL: name.url, ...env });
    const { gateway } = system;
    const before = randomUUID();
    await (await master.client()).set(`blacklist:${before}`, 'revoked', 'EX', 900);
    while ((await statusOf(gateway, before)) !== 401);
    const jti = randomUUID();
    await using socket = await openSocket(gateway, undefined, { headers: bearer({ jti }) });

    // The new master does not tell of changes, as long as nobody asks for it.
    const promoted = await replica.client();
    await promoted.call('REPLICAOF', 'NO', 'ONE');
    name.pointTo(replica);
    const demoted = await master.client();
    // Of a master that cannot be reached, so that no revocation comes this way.
    await demoted.call('REPLICAOF', '127.0.0.1', '9');
    await promoted.set(`blacklist:${jti}`, 'revoked', 'EX', 900);

    expect(await socket.closed).toEqual({ code: 4403, reason: 'token revoked' });
    while ((await statusOf(gateway, jti)) !== 401);
    expect(await statusOf(gateway, before)).toBe(401);
    expect(await redisHealth(gateway)).toEqual({ status: 'up', revocation: 'in memory' });
    if (env.RATELIMIT === 'off') return;
    const user = randomUUID();
    const headers = bearer({ user_id: user, sub: user });
    await (await fetch(`${gateway.url}/v1/auth/profile`, { headers })).bytes();
    expect(await promoted.keys(`gateway:ratelimit:*${user}*`)).toHaveLength(1);
  });

  it('is left though it answers no command any more but that its master is away', async () => {
    await using pair = await startPair();
    const { master, replica } = pair;
    using name = createName(master);
    await using system = await startSystem({ REDIS_URL: name.url });
    const { gateway } = system;
    const promoted = await replica.client();
    await promoted.call('REPLICAOF', 'NO', 'ONE');
    const demoted = await master.client();
    await demoted.config('SET', 'replica-serve-stale-data', 'no');
    await demoted.call('REPLICAOF', '127.0.0.1', '9');

    await gateway.logged({
      message: 'redis degraded: limits and revocation go on from memory',
      reason: 'without its master',
    });
    name.pointTo(replica);
    await gateway.logged({ message: 'redis is back' });

    const jti = randomUUID();
    await promoted.set(`blacklist:${jti}`, 'revoked', 'EX', 900);
    while ((await statusOf(gateway, jti)) !== 401);
  });

  it('and has lost its replicas is read, and left only for a server that takes writes', async () => {
    await using pair = await startPair();
    const { master, replica } = pair;
    using name = createName(master);
    await using system = await startSystem({ REDIS_URL: name.url });
    const { gateway } = system;
    const jti = randomUUID();
    const admin = await master.client();
    await admin.set(`blacklist:${jti}`, 'revoked', 'EX', 900);
    while ((await statusOf(gateway, jti)) !== 401);
    const id = await admin.client('LIST');
    const connected = /id=(\d+) .*name=gateway /.exec(String(id))![1];

    await admin.config('SET', 'min-replicas-to-write', '2');
    await gateway.logged({
      message: 'redis degraded: limits and revocation go on from memory',
      reason: 'too few replicas',
    });
    expect(await statusOf(gateway, jti)).toBe(401);
    // Two more probes at least, over new connections, and the old one still serves.
    const probes = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))![1]);
    const begun = await probes();
    while ((await probes()) < begun + 2);
    expect(String(await admin.client('LIST'))).toMatch(new RegExp(`id=${connected} .*name=gateway `));

    await (await replica.client()).call('REPLICAOF', 'NO', 'ONE');
    name.pointTo(replica);
    await gateway.logged({ message: 'redis is back' });
    expect(await statusOf(gateway, jti)).toBe(401);
  });

  it('that refuses a password is tried anew until it is right', async () => {
    await using redis = await RedisServer.start();
    const admin = await redis.client();
    await admin.call('ACL', 'SETUSER', 'gateway', 'on', '>wrong', '~*', '&*', '+@all');
    await using system = await startSystem({ REDIS_URL: `redis://gateway:right@127.0.0.1:${redis.port}` });
    const { gateway } = system;
    expect(await redisHealth(gateway)).toMatchObject({ status: 'degraded', message: 'access refused' });

    await admin.call('ACL', 'SETUSER', 'gateway', '>right');

    await gateway.logged({ message: 'redis is back' });
    expect(await redisHealth(gateway)).toMatchObject({ status: 'up' });
  });
});
