import { startBehindNginx } from '../support/behind-nginx.js';
import { freePort } from '../support/free-port.mjs';
import { bearer } from '../support/gateway.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRawService, startService } from '../support/service.js';

const CLOSE = { Connection: 'close' };
const ID = expect.stringMatching(/^[0-9a-f]{32}$/);

describeWithNginx('what nginx itself refuses', () => {
  it.each([
    ['a request without a path', 'GET\r\n\r\n', 400, 'Malformed request'],
    ['a header line without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n', 400, 'Malformed request'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'Malformed request'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400, 'Malformed request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'Malformed request',
    ],
    ['bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400, 'Malformed request'],
    ['a NUL in the path', 'GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'Malformed request'],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 405, 'Method not allowed'],
    ['HTTP/2.0 in words', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505, 'HTTP version not supported'],
    [
      'an endless target',
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      414,
      'Request target too long',
    ],
    [
      'an endless header',
      `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
      'Request headers too large',
    ],
    ['a name of its own', 'GET /.error HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 404, 'Not found'],
  ])('is refused in the words of the gateway: %s', async (_name, bytes, status, error) => {
    await using behind = await startBehindNginx();

    const { text, json } = await exchangeRaw(behind.port, bytes);

    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text).toMatch(/^Content-Type: application\/json; charset=utf-8\r$/m);
    expect(text).toMatch(/^Server: nginx\r$/m);
    expect(text).toMatch(/^X-Content-Type-Options: nosniff\r$/m);
    expect(text).toMatch(
      /^Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'\r$/m,
    );
    expect(text).toMatch(/^Referrer-Policy: no-referrer\r$/m);
    expect(json).toEqual({ error, request_id: ID });
    expect(text).toContain(`X-Request-ID: ${String(json!.request_id)}\r\n`);
    for (const { logs } of behind.gateways) expect(logs.filter((line) => 'path' in line)).toEqual([]);
  });

  it.each([
    ['/v1/messages', 26_214_401],
    ['/v1/storage/objects/a', 2_147_483_649],
  ])('answers 413 for %s to a body that announces %d bytes, before it comes', async (path, bytes) => {
    await using behind = await startBehindNginx();
    await using client = await RawClient.connect(behind.port);

    client.write(rawRequest(`PUT ${path}`, { headers: { 'Content-Length': bytes } }));

    expect(await client.until(/}/)).toMatch(
      /^HTTP\/1\.1 413 .*{"error":"Request body too large","request_id":/s,
    );
  });

  it('answers plain HTTP on the port of TLS', async () => {
    await using behind = await startBehindNginx();

    const { statuses, json } = await exchangeRaw(behind.nginx.tlsPort, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');

    expect(statuses).toEqual([400]);
    expect(json).toEqual({ error: 'Malformed request', request_id: ID });
  });

  it('answers 502 where no gateway can be reached, and 502 to a WebSocket as well', async () => {
    await using nginx = await Nginx.start([await freePort(), await freePort()]);

    const answer = await exchangeRaw(nginx.port, rawRequest('POST /v1/messages', { headers: CLOSE }));
    await using socket = await RawClient.connect(nginx.port);
    socket.write(rawRequest('GET /v1/ws/chat', { headers: { Connection: 'Upgrade', Upgrade: 'websocket' } }));

    expect(answer.statuses).toEqual([502]);
    expect(answer.json).toEqual({ error: 'Service unavailable', request_id: ID });
    expect(await socket.until(/}/)).toMatch(/^HTTP\/1\.1 502 .*{"error":"Service unavailable"/s);
    const line = await nginx.logged(({ path }) => path === '/v1/messages');
    expect(line).toMatchObject({ method: 'POST', level: 'error', status: 502, upstream_status: '502, 502' });
  });

  it('answers who asks for events so too', async () => {
    await using nginx = await Nginx.start([await freePort(), await freePort()]);

    const request = rawRequest('GET /v1/messages', { headers: { Accept: 'text/event-stream', ...CLOSE } });
    const { text, json } = await exchangeRaw(nginx.port, request);

    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(json).toEqual({ error: 'Service unavailable', request_id: ID });
  });

  it('sends a HEAD no body', async () => {
    await using behind = await startBehindNginx();

    const { text } = await exchangeRaw(
      behind.port,
      'HEAD /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );

    expect(text).toMatch(/^HTTP\/1\.1 404 /);
    expect(text).toMatch(/\r\n\r\n$/);
  });
});

describeWithNginx('what the gateway or a service refuses', () => {
  it.each([401, 404, 413, 418, 429, 500, 502, 503, 504])('passes as it is: %d', async (status) => {
    await using service = await startService((_request, response) => {
      response.writeHead(status, { 'Content-Type': 'text/plain' }).end('the words of the service');
    });
    await using behind = await startBehindNginx({ AUTH_SERVICE_URL: service.url, MAX_RETRIES: '0' });

    const response = await fetch(`${behind.url}/v1/auth/profile`, { headers: bearer() });

    expect(response.status).toBe(status);
    expect(await response.text()).toBe('the words of the service');
  });

  it('passes where headers are larger than the gateway takes', async () => {
    await using behind = await startBehindNginx();
    const headers = { ...CLOSE, 'X-One': 'a'.repeat(9_000), 'X-Two': 'b'.repeat(9_000) };

    const { statuses, json } = await exchangeRaw(behind.port, rawRequest('GET /health', { headers }));

    expect(statuses).toEqual([431]);
    expect(json).toEqual({ error: 'Request headers too large' });
  });

  it('lets response headers pass that are as large as the gateway lets pass', async () => {
    await using service = await startRawService((socket) => {
      socket.once('data', () =>
        socket.end(`HTTP/1.1 200 OK\r\nX-Long: ${'a'.repeat(15_500)}\r\nContent-Length: 2\r\n\r\nok`),
      );
    });
    await using behind = await startBehindNginx({ AUTH_SERVICE_URL: service.url });

    const { statuses, text } = await exchangeRaw(
      behind.port,
      rawRequest('GET /v1/auth/profile', { headers: CLOSE }),
    );

    expect(statuses).toEqual([200]);
    expect(text).toMatch(/\r\n\r\nok$/);
  });
});
