import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createService } from '../../apps/reference/src/create-service.js';
import { JWT_SECRET, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { openSocket, startSocketService } from '../support/websocket.js';

/** The auth service. @param dataDir where it keeps its database; by default nowhere */
async function startAuth(redis: RedisServer, dataDir?: string) {
  const app = await createService({ service: 'auth', jwtSecret: JWT_SECRET, redisUrl: redis.url, dataDir });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    app,
    url,
    metric: async (name: string): Promise<number> => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(text)?.[1]);
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

async function createDataDir() {
  const path = await mkdtemp(join(tmpdir(), 'gateway-auth-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** A gateway in front of the auth service. */
async function startSystem(redis: RedisServer, authUrl: string) {
  const stack = new AsyncDisposableStack();
  const sockets = stack.use(await startSocketService());
  const env = { REDIS_URL: redis.url, AUTH_SERVICE_URL: authUrl, CHAT_SERVICE_URL: sockets.url };
  const here = stack.use(await startGateway({ env }));
  const there = stack.use(await startGateway({ env }));
  return { here, there, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function send({ url }: RunningGateway, path: string, token = '', body?: object): Promise<Response> {
  return fetch(`${url}/v1/auth/${path}`, {
    method: path === 'profile' ? 'GET' : 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    ...(body && { body: JSON.stringify(body) }),
  });
}

async function login(gateway: RunningGateway): Promise<string> {
  const username = randomUUID().slice(0, 8);
  const person = { email: `${username}@example.org`, username, password: randomUUID() };
  const response = await send(gateway, 'register', '', person);
  const { data } = (await response.json()) as { data: { access_token: string } };
  return data.access_token;
}

const bearerOf = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const jtiOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { jti: string }).jti;

/** Asks the chat service behind a gateway, which knows of no revocation itself. */
async function untilRefused(gateway: RunningGateway, token: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${gateway.url}/v1/messages`, bearerOf(token));
    await response.bytes();
    if (response.status === 401) return;
  }
}

describeWithRedis('a logout while Redis', () => {
  it.each<[string, (redis: RedisServer) => Promise<() => Promise<unknown>>]>([
    [
      'is full',
      async (redis) => {
        const admin = await redis.client();
        await admin.config('SET', 'maxmemory', '1');
        return () => admin.config('SET', 'maxmemory', '0');
      },
    ],
    [
      'only reads',
      async (redis) => {
        const admin = await redis.client();
        await admin.call('REPLICAOF', '127.0.0.1', '9');
        return () => admin.call('REPLICAOF', 'NO', 'ONE');
      },
    ],
    [
      'is away',
      async (redis) => {
        await redis.kill();
        return () => redis.restart();
      },
    ],
  ])('%s ends the token at every gateway, and its sockets, once Redis is well', async (_what, break_) => {
    await using redis = await RedisServer.start();
    await using auth = await startAuth(redis);
    await using system = await startSystem(redis, auth.url);
    const { here, there } = system;
    const token = await login(here);
    await using socket = await openSocket(there, undefined, bearerOf(token));

    const mend = await break_(redis);
    expect((await send(here, 'logout', token)).status).toBe(200);
    expect((await send(here, 'profile', token)).status).toBe(401);
    expect(await auth.metric('revocations_pending')).toBe(2);
    await mend();

    expect(await socket.closed).toEqual({ code: 4403, reason: 'token revoked' });
    await untilRefused(there, token);
    const admin = await redis.client();
    const key = `blacklist:${jtiOf(token)}`;
    expect(await admin.get(key)).toBe('revoked');
    const ttl = await admin.ttl(key);
    expect(ttl).toBeGreaterThan(800);
    expect(ttl).toBeLessThanOrEqual(905);
    while ((await auth.metric('revocations_pending')) > 0);
  });

  it('is away is kept over a restart of the service', async () => {
    await using redis = await RedisServer.start();
    await using dir = await createDataDir();
    let token: string;
    {
      await using auth = await startAuth(redis, dir.path);
      await using system = await startSystem(redis, auth.url);
      token = await login(system.here);
      await redis.kill();
      expect((await send(system.here, 'logout', token)).status).toBe(200);
    }
    await redis.restart();

    await using auth = await startAuth(redis, dir.path);

    const client = await redis.client();
    while ((await client.get(`blacklist:${jtiOf(token)}`)) === null);
    while ((await auth.metric('revocations_pending')) > 0);
  });
});
