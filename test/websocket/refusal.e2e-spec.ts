import { SHORT_TIMEOUTS } from '../support/timeouts.js';
import { startGateway } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { startRawService, startService } from '../support/service.js';
import { rawHandshake } from '../support/websocket.js';

describe('a service that refuses', () => {
  it('has its status, headers and body passed on', async () => {
    await using service = await startService((_request, response) => {
      response.writeHead(403, {
        'Content-Type': 'application/json',
        'X-Reason': 'rooms',
        'Keep-Alive': 'timeout=9',
      });
      response.end('{"success":false,"error":{"code":"NOT_A_MEMBER","message":"No"}}');
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { text, statuses, json } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([403]);
    expect(json).toEqual({ success: false, error: { code: 'NOT_A_MEMBER', message: 'No' } });
    expect(text).toMatch(/^X-Reason: rooms\r$/m);
    expect(text).not.toMatch(/keep-alive/i);
    await gateway.logged({ message: 'request', status: 403, upstream: 'chat-service' });
  });

  it('by a 5xx has a line in which no stage is longer than the whole', async () => {
    await using service = await startService((_request, response) => response.writeHead(500).end('no'));
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await exchangeRaw(gateway.port, rawHandshake());

    const { latency, stages } = await gateway.logged({ message: 'request', status: 500 });
    const longest = Math.max(0, ...Object.values((stages ?? {}) as Record<string, number>));
    expect(longest).toBeLessThanOrEqual(Math.ceil(latency as number));
  });

  it('keeps the bytes of its head, also if it has no body', async () => {
    const name = 'attachment; filename="\xe9 \xe2\x82\xac"';
    await using service = await startRawService((socket) => {
      const head = `HTTP/1.1 403 Not You\r\nContent-Length: 0\r\nContent-Disposition: ${name}\r\n\r\n`;
      socket.once('data', () => socket.end(Buffer.from(head, 'latin1')));
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { text } = await exchangeRaw(gateway.port, rawHandshake());

    expect(text).toMatch(/^HTTP\/1\.1 403 Not You\r\n/);
    expect(text).toContain(`\r\nContent-Disposition: ${name}\r\n`);
  });

  it('without a body has an error made for it', async () => {
    await using service = await startService((_request, response) => response.writeHead(404).end());
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { statuses, json } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([404]);
    expect(json).toMatchObject({ error: 'Not Found', service: 'chat-service' });
  });
});

describe('a service that fails before its 101', () => {
  it.each([
    ['is not there', undefined, 502, 'UPSTREAM_UNREACHABLE'],
    ['resets', 'reset', 502, 'UPSTREAM_DISCONNECTED'],
    ['ends', 'end', 502, 'UPSTREAM_DISCONNECTED'],
    ['sends garbage', 'SSH-2.0-OpenSSH_9.2\r\n', 502, 'UPSTREAM_INVALID_RESPONSE'],
    [
      'accepts with another key',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      502,
      'UPSTREAM_INVALID_RESPONSE',
    ],
    ['stays silent', '', 504, 'UPSTREAM_TIMEOUT'],
  ])('(%s) is one JSON error', async (_name, act, status, code) => {
    await using service = await startRawService((socket) => {
      socket.once('data', () => {
        if (act === 'reset') socket.resetAndDestroy();
        else if (act === 'end') socket.end();
        else if (act !== undefined) socket.write(act);
      });
    });
    const env = { ...(act !== undefined && { CHAT_SERVICE_URL: service.url }), ...SHORT_TIMEOUTS };
    await using gateway = await startGateway({ env });

    const { statuses, json } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([status]);
    expect(json).toMatchObject({ service: 'chat-service', request_id: expect.any(String) });
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ status, error_code: code });
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  it('has a line with the number of attempts and the last instance', async () => {
    const asked: string[] = [];
    const startResetting = () =>
      startRawService((socket) =>
        socket.once('data', () => {
          asked.push(`http://127.0.0.1:${socket.localPort}`);
          socket.resetAndDestroy();
        }),
      );
    await using one = await startResetting();
    await using other = await startResetting();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: `${one.url},${other.url}` } });

    await exchangeRaw(gateway.port, rawHandshake());

    const line = await gateway.logged({ message: 'request', status: 502 });
    expect(line).toMatchObject({ attempts: 2, instance: asked[1] });
  });

  it('costs a client that leaves meanwhile nothing, and the service no connection', async () => {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    await using service = await startRawService((socket) => {
      socket.once('data', () => ask());
      socket.once('close', () => leave());
      socket.once('end', () => socket.end());
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());
    await asked;

    client.socket.resetAndDestroy();

    await left;
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ status: 499 });
  });
});
