import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService } from '../support/service.js';

async function startSystem(url: string, env: Readonly<Record<string, string>> = {}) {
  const service = await startService((_request, response) => response.end('{}'));
  const gateway = await startGateway({
    env: { REDIS_URL: url, RATELIMIT: 'on', CHAT_SERVICE_URL: service.url, ...env },
  });
  const stack = new AsyncDisposableStack();
  stack.use(service);
  stack.use(gateway);
  return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function remaining({ url }: RunningGateway, headers: Record<string, string>): Promise<string | null> {
  const response = await fetch(`${url}/v1/messages`, { headers });
  await response.bytes();
  if (response.status !== 200) throw new Error(`answered ${response.status}`);
  return response.headers.get('X-RateLimit-Remaining');
}

/** Between a gateway and its Redis: answers can be kept back. */
async function startHolder(port: number) {
  const held: (() => void)[] = [];
  const sockets = new Set<Socket>();
  let isHolding = false;
  const server = createServer((client) => {
    const redis = connect(port, '127.0.0.1');
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    client.on('data', (bytes) => redis.write(bytes)).on('close', () => redis.destroy());
    redis.on('close', () => client.destroy());
    redis.on('data', (bytes) => {
      const pass = (): unknown => client.write(bytes);
      if (isHolding) held.push(pass);
      else pass();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => (isHolding = true),
    release: () => {
      isHolding = false;
      for (const pass of held.splice(0)) pass();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describeWithRedis('a Redis whose answers stay away', () => {
  it('holds up no request, those included whose command waits behind others, and counts none twice', async () => {
    await using redis = await RedisServer.start();
    await using holder = await startHolder(redis.port);
    await using system = await startSystem(holder.url);
    const { gateway } = system;
    const user = bearer();
    expect(await remaining(gateway, user)).toBe('99');

    holder.hold();
    // Each is answered though no answer of Redis is: the first go by time, the others pass Redis by.
    const first = remaining(gateway, user);
    const second = new Promise(setImmediate).then(() => remaining(gateway, user));
    await Promise.all([first, second]);
    await gateway.logged({
      message: 'redis degraded: limits and revocation go on from memory',
      reason: 'slow',
    });
    await remaining(gateway, user);
    holder.release();

    await gateway.logged({ message: 'redis is back' });
    const left = Number(await remaining(gateway, user));
    // Five were asked for, of which one passed Redis by and is counted when it is back, or not at all.
    expect(left).toBeGreaterThanOrEqual(95);
    expect(left).toBeLessThanOrEqual(96);
  });

  it('lets no more of the requests pass that wait for it than the share of the gateway', async () => {
    await using redis = await RedisServer.start();
    await using holder = await startHolder(redis.port);
    await using system = await startSystem(holder.url, { RATELIMIT_MESSAGES: '8', GATEWAY_REPLICAS: '4' });
    const { gateway } = system;
    const user = bearer();
    await remaining(gateway, user);

    holder.hold();
    const responses = await Promise.all(
      Array.from({ length: 6 }, async () => fetch(`${gateway.url}/v1/messages`, { headers: user })),
    );

    expect(responses.filter(({ status }) => status === 200)).toHaveLength(2);
    await Promise.all(responses.map((response) => response.bytes()));
  });
});

describeWithRedis('a gateway that was busy itself', () => {
  it('does not take Redis for slow', async () => {
    await using redis = await RedisServer.start();
    await using system = await startSystem(redis.url);
    const { gateway } = system;
    const nothing = new Int32Array(new SharedArrayBuffer(4));

    for (let round = 0; round < 10; round++) {
      const asked = Array.from({ length: 20 }, () => remaining(gateway, bearer()));
      // As soon as some have come this far.
      await Promise.race(asked);
      Atomics.wait(nothing, 0, 0, 200);
      await Promise.all(asked);
    }

    expect(gateway.logs.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});
