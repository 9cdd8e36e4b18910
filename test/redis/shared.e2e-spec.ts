import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createService } from '../../apps/reference/src/create-service.js';
import { bearer, JWT_SECRET } from '../support/gateway.js';
import { GatewayProcess } from '../support/process.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService } from '../support/service.js';
import { openSocket, startSocketService } from '../support/websocket.js';

/** Two gateways of one Redis, each a process, and their ports. */
async function startTwo(env: Readonly<Record<string, string>>) {
  const stack = new AsyncDisposableStack();
  const gateways = [stack.use(GatewayProcess.start(env)), stack.use(GatewayProcess.start(env))] as const;
  const ports = [await gateways[0].port(), await gateways[1].port()] as const;
  return { ports, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describeWithRedis('two gateways', () => {
  it('let pass together what the limit lets pass, and not one more', async () => {
    await using redis = await RedisServer.start();
    let answered = 0;
    await using chat = await startService((_request, response) => {
      answered++;
      response.end('{}');
    });
    await using two = await startTwo({
      REDIS_URL: redis.url,
      CHAT_SERVICE_URL: chat.url,
      RATELIMIT_MESSAGES: '50',
    });
    const headers = bearer();

    const statuses = await Promise.all(
      Array.from({ length: 200 }, async (_, each) => {
        const response = await fetch(`http://127.0.0.1:${two.ports[each % 2]}/v1/messages`, { headers });
        await response.bytes();
        return response.status;
      }),
    );

    expect(statuses.filter((status) => status === 200)).toHaveLength(50);
    expect(statuses.filter((status) => status === 429)).toHaveLength(150);
    expect(answered).toBe(50);
  });

  it('both refuse a token after the logout at one of them, and close its sockets', async () => {
    await using redis = await RedisServer.start();
    await using chat = await startSocketService();
    const auth = await createService({ service: 'auth', jwtSecret: JWT_SECRET, redisUrl: redis.url });
    await auth.listen(0, '127.0.0.1');
    await using stack = new AsyncDisposableStack();
    stack.defer(() => auth.close());
    const { port } = auth.getHttpServer().address() as AddressInfo;
    await using two = await startTwo({
      REDIS_URL: redis.url,
      CHAT_SERVICE_URL: chat.url,
      AUTH_SERVICE_URL: `http://127.0.0.1:${port}`,
    });
    const [here, there] = two.ports;
    const call = (
      at: number,
      method: string,
      path: string,
      token: string,
      body?: object,
    ): Promise<Response> =>
      fetch(`http://127.0.0.1:${at}/v1/auth/${path}`, {
        method,
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
        ...(body && { body: JSON.stringify(body) }),
      });
    const person = { email: `${randomUUID()}@example.org`, username: 'ada', password: randomUUID() };
    await call(here, 'POST', 'register', '', person);
    const answer = (await (await call(here, 'POST', 'login', '', person)).json()) as {
      data: { access_token: string };
    };
    const token = answer.data.access_token;
    await using socket = await openSocket({ port: there }, undefined, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect((await call(there, 'GET', 'profile', token)).status).toBe(200);

    expect((await call(here, 'POST', 'logout', token)).status).toBe(200);

    expect(await socket.closed).toEqual({ code: 4403, reason: 'token revoked' });
    for (const at of two.ports) {
      const refused = await call(at, 'GET', 'profile', token);
      expect([refused.status, await refused.json()]).toMatchObject([401, { error: 'Token revoked' }]);
    }
  });
});
