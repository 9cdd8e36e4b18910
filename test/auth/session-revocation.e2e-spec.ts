import { randomUUID } from 'node:crypto';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService } from '../support/service.js';
import { echo, openSocket, startSocketService } from '../support/websocket.js';

/** Two gateways over one Redis, before an auth service that answers all and a chat service that echoes. */
async function startSystem(redis: RedisServer) {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(await startService((_request, response) => response.end('{}')));
  const sockets = stack.use(await startSocketService(echo));
  const env = {
    REDIS_URL: redis.url,
    AUTH_SERVICE_URL: service.url,
    CHAT_SERVICE_URL: sockets.url,
    JWT_CLOCK_TOLERANCE_SECONDS: '0',
  };
  const one = stack.use(await startGateway({ env }));
  const other = stack.use(await startGateway({ env }));
  const rest = stack.move();
  return { one, other, [Symbol.asyncDispose]: () => rest.disposeAsync() };
}

async function statusOf({ url }: RunningGateway, headers: Record<string, string>): Promise<number> {
  return (await fetch(`${url}/v1/auth/profile`, { headers })).status;
}

const REVOKED = { code: 4403, reason: 'token revoked' };

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

describeWithRedis('a session that ends', () => {
  it('takes with it sockets whose token has expired long ago, at every gateway', async () => {
    await using redis = await RedisServer.start();
    await using system = await startSystem(redis);
    const sid = randomUUID();
    const short = bearer({ sid, exp: inSeconds(2) });
    await using first = await openSocket(system.one, undefined, { headers: short });
    await using second = await openSocket(system.other, undefined, { headers: short });
    await using stranger = await openSocket(system.one, undefined, {
      headers: bearer({ sid: randomUUID() }),
    });
    while ((await statusOf(system.one, short)) !== 401);
    first.send('still here');
    await first.received(1);

    await (await redis.client()).set(`blacklist:session:${sid}`, 'revoked', 'EX', 3_600);

    expect(await first.closed).toEqual(REVOKED);
    expect(await second.closed).toEqual(REVOKED);
    stranger.send('not mine');
    expect(await stranger.received(1)).toEqual(['not mine']);
  });

  it('takes with it every token of it, and no token that is called like its key', async () => {
    await using redis = await RedisServer.start();
    await using system = await startSystem(redis);
    const sid = randomUUID();
    const [own, alike, without] = [
      bearer({ sid }),
      bearer({ jti: `session:${sid}` }),
      bearer({ sid: undefined }),
    ];
    expect(await statusOf(system.one, own)).toBe(200);

    await (await redis.client()).set(`blacklist:session:${sid}`, 'revoked', 'EX', 3_600);
    while ((await statusOf(system.one, own)) !== 401);

    const response = await fetch(`${system.one.url}/v1/auth/profile`, { headers: bearer({ sid }) });
    expect(await response.json()).toMatchObject({ error: 'Token revoked' });
    expect(await statusOf(system.one, alike)).toBe(200);
    expect(await statusOf(system.one, without)).toBe(200);
  });

  it('by a logout through the gateway ends at once there, with all its tokens and sockets', async () => {
    await using redis = await RedisServer.start();
    await using system = await startSystem(redis);
    const sid = randomUUID();
    const before = bearer({ sid });
    await using socket = await openSocket(system.one, undefined, { headers: before });

    const logout = await fetch(`${system.one.url}/v1/auth/logout`, {
      method: 'POST',
      headers: bearer({ sid }),
    });

    expect(logout.status).toBe(200);
    expect(await statusOf(system.one, before)).toBe(401);
    expect(await socket.closed).toEqual(REVOKED);
  });

  it('of a token without a session ends by the id of the token, as ever', async () => {
    await using redis = await RedisServer.start();
    await using system = await startSystem(redis);
    const jti = randomUUID();
    const headers = bearer({ jti });
    await using socket = await openSocket(system.other, undefined, { headers });

    await (await redis.client()).set(`blacklist:${jti}`, 'revoked', 'EX', 900);

    expect(await socket.closed).toEqual(REVOKED);
    expect(await statusOf(system.other, headers)).toBe(401);
  });

  it('does not come back in the time that clocks may differ', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    await using service = await startService((_request, response) => response.end('{}'));
    const [jti, sid] = [randomUUID(), randomUUID()];
    const exp = inSeconds(1);
    // As auth services write them: of a token for the rest of its life, of a session for longer.
    await client.set(`blacklist:${jti}`, 'revoked', 'EXAT', exp);
    await client.set(`blacklist:session:${sid}`, 'revoked', 'EX', 3_600);
    while ((await client.exists(`blacklist:${jti}`)) === 1);
    await using gateway = await startGateway({
      env: { REDIS_URL: redis.url, AUTH_SERVICE_URL: service.url, JWT_CLOCK_TOLERANCE_SECONDS: '300' },
    });

    // The gateway began after the end of the token, and cannot know.
    expect(await statusOf(gateway, bearer({ jti, exp }))).toBe(401);
    expect(await statusOf(gateway, bearer({ sid, exp }))).toBe(401);
    expect(await statusOf(gateway, bearer({ sid: randomUUID(), exp }))).toBe(200);
  });
});
