import type { AddressInfo } from 'node:net';
import { loadSettings } from '@app/gateway/internal';
import { createService } from '../../apps/reference/src/create-service.js';
import { createConversation } from '../support/conversation.js';
import { JWT_SECRET, startGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { openSocket } from '../support/websocket.js';

const ORIGIN = 'http://localhost:3000';

/** A reference service, in this process. */
async function startReference(
  service: 'auth' | 'chat',
  config: { heartbeatMs?: number; authServiceUrls?: string[] } = {},
): Promise<AsyncDisposable & { readonly url: string }> {
  const app = await createService({ service, jwtSecret: JWT_SECRET, allowedOrigins: [ORIGIN], ...config });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => app.close() };
}

/** For how long a socket may be silent towards the chat service, which lets go of whoever is for an interval. */
async function silenceMs(): Promise<number> {
  const setInterval = jest.spyOn(globalThis, 'setInterval');
  await using _chat = await startReference('chat');
  const intervals = setInterval.mock.calls.map(([, milliseconds]) => milliseconds!);
  setInterval.mockRestore();
  expect(intervals).toHaveLength(1);
  return intervals[0]!;
}

describe('a socket of which nobody says anything', () => {
  it('is heard of by a service twice at least in the time that it may be silent', async () => {
    const { pingMs, stallMs } = loadSettings({ JWT_SECRET }).websocket;

    const limitMs = await silenceMs();

    expect(pingMs).toBeLessThan(limitMs / 2);
    // An end that is paused gets no pings and sends no pongs.
    expect(stallMs).toBeLessThan(limitMs);
  });

  it('stays open over many beats of the service, and is the same to it', async () => {
    // Each a two hundredth of its default.
    await using auth = await startReference('auth');
    await using chat = await startReference('chat', { heartbeatMs: 300, authServiceUrls: [auth.url] });
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: auth.url, CHAT_SERVICE_URL: chat.url, WEBSOCKET_PING_INTERVAL_MS: '125' },
    });
    const { id, headers } = await createConversation(gateway.port);
    await using client = await openSocket(gateway, `/v1/ws/chat?conversation_id=${id}`, { headers });

    // At least six beats of the service, by the gateway's own.
    await client.until(() => client.pings.length >= 16);

    expect(client.messages.map((text) => JSON.parse(text as string) as object)).toEqual([
      expect.objectContaining({ type: 'joined' }),
    ]);
    expect(await metricsOf(gateway)).not.toMatch(/^websocket_resumptions_total\{/m);
  }, 15_000);
});
