import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createService } from '../../apps/reference/src/create-service.js';
import { createConversation } from '../support/conversation.js';
import { JWT_SECRET, startGateway } from '../support/gateway.js';
import { openSocket } from '../support/websocket.js';

const ORIGIN = 'http://localhost:3000';

/** The gateway before auth and chat, all in this process. */
async function startSystem() {
  const stack = new AsyncDisposableStack();
  const start = async (service: 'auth' | 'chat', authServiceUrls: string[] = []) => {
    const config = { jwtSecret: JWT_SECRET, allowedOrigins: [ORIGIN], authServiceUrls };
    const app = await createService({ service, ...config });
    await app.listen(0, '127.0.0.1');
    stack.defer(() => app.close());
    return `http://127.0.0.1:${((app.getHttpServer() as Server).address() as AddressInfo).port}`;
  };
  const AUTH_SERVICE_URL = await start('auth');
  const CHAT_SERVICE_URL = await start('chat', [AUTH_SERVICE_URL]);
  const gateway = stack.use(await startGateway({ env: { AUTH_SERVICE_URL, CHAT_SERVICE_URL } }));
  return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('through the gateway', () => {
  it('a stranger gets 404, and a member who is removed is closed with 4404, for good', async () => {
    await using system = await startSystem();
    const { gateway } = system;
    const [ada, bob] = [await createConversation(gateway.port), await createConversation(gateway.port)];
    const call = (method: string, path: string, { headers }: typeof ada, body?: object) =>
      fetch(`${gateway.url}/v1/${path}`, {
        method,
        headers: { 'Content-Type': 'application/json', ...headers },
        ...(body && { body: JSON.stringify(body) }),
      });
    const profile = await call('GET', 'auth/profile', bob);
    const { data } = (await profile.json()) as { data: { id: string } };
    const path = `/v1/ws/chat?conversation_id=${ada.id}`;
    await expect(openSocket(gateway, path, bob)).rejects.toThrow('refused with 404');
    expect((await call('GET', `messages?conversation_id=${ada.id}`, bob)).status).toBe(404);

    const participants = `conversations/${ada.id}/participants`;
    expect((await call('POST', participants, ada, { user_ids: [data.id] })).status).toBe(201);
    await using socket = await openSocket(gateway, path, bob);
    await using other = await openSocket(gateway, path, ada);
    await other.received(1);
    expect((await call('DELETE', `${participants}/${data.id}`, ada)).status).toBe(200);

    expect(await socket.closed).toEqual({ code: 4404, reason: 'conversation not found' });
    await other.until(() => other.messages.some((message) => message.includes('"leave"')));
    await expect(openSocket(gateway, path, bob)).rejects.toThrow('refused with 404');
  });
});
