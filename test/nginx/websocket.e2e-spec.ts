import { startBehindNginx } from '../support/behind-nginx.js';
import { bearer } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { describeWithNginx } from '../support/nginx.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { startService } from '../support/service.js';
import { CHAT, echo, openSocket, rawHandshake, SIGNALING, startSocketService } from '../support/websocket.js';

async function holdsSocket(gateway: { readonly url: string }): Promise<boolean> {
  return /^websocket_connections\{.*\} 1$/m.test(await metricsOf(gateway));
}

const ALIAS = '/v1/ws/signaling?call_id=7';

describeWithNginx('a WebSocket through nginx', () => {
  it.each([
    ['CHAT_SERVICE_URL', CHAT],
    ['VIDEO_SERVICE_URL', SIGNALING],
    ['VIDEO_SERVICE_URL', ALIAS],
  ])('carries messages both ways (%s %s)', async (variable, path) => {
    await using service = await startSocketService(echo);
    await using behind = await startBehindNginx({ [variable]: service.url });
    await using client = await openSocket(behind, path);
    const large = Buffer.alloc(300_000, 'large');

    client.send('small');
    client.send(large);

    expect(await client.received(2)).toEqual(['small', large]);
  });

  it.each([
    [4001, 'the service has its reasons'],
    [1000, ''],
  ])('ends with the code of its service (%d)', async (code, reason) => {
    await using service = await startSocketService();
    await using behind = await startBehindNginx({ VIDEO_SERVICE_URL: service.url });
    await using client = await openSocket(behind, SIGNALING);

    (await service.connection(0)).socket.close(code, reason);

    expect(await client.closed).toEqual({ code, reason });
  });

  it('is refused with the status and the words of the gateway', async () => {
    await using behind = await startBehindNginx();

    await using client = await RawClient.connect(behind.port);
    client.write(rawHandshake(CHAT, { Authorization: '' }));

    expect(await client.until(/}/)).toMatch(/^HTTP\/1\.1 401 .*{"error":"Authorization header required"/s);
  });

  it('goes to the other gateway where one ends, and its client is told 1012', async () => {
    await using service = await startSocketService(echo);
    await using behind = await startBehindNginx({ CHAT_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '5000' });
    await using client = await openSocket(behind);
    const holders = await Promise.all(behind.gateways.map(holdsSocket));
    const [holder, other] = holders[0] ? behind.gateways : behind.gateways.toReversed();

    const ended = holder.app.close();
    await using again = await openSocket(behind);
    again.send('after');

    expect(await again.received(1)).toEqual(['after']);
    expect(await holdsSocket(other)).toBe(true);
    expect((await client.closed).code).toBe(1012);
    await ended;
  });

  it.each(['/v1/auth/profile', '/v1/messages', '/v1/ws/chat/'])(
    'passes no upgrade on where the gateway has none (%s)',
    async (path) => {
      const upgrades: (string | undefined)[] = [];
      await using service = await startService((request, response) => {
        upgrades.push(request.headers.upgrade);
        response.end('plain');
      });
      await using behind = await startBehindNginx({
        AUTH_SERVICE_URL: service.url,
        CHAT_SERVICE_URL: service.url,
      });

      const { text } = await exchangeRaw(
        behind.port,
        rawHandshake(path).replace('Connection: Upgrade', 'Connection: Upgrade, close'),
      );

      expect(text).not.toMatch(/^HTTP\/1\.1 101/);
      expect(upgrades.filter((upgrade) => upgrade !== undefined)).toEqual([]);
    },
  );

  it('is what a WebSocket path is for: a plain request there is told so', async () => {
    await using behind = await startBehindNginx();

    const response = await fetch(`${behind.url}${CHAT}`, { headers: bearer() });

    expect(response.status).toBe(426);
    expect(await response.json()).toMatchObject({ error: 'WebSocket upgrade required' });
  });
});
