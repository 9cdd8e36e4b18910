import { startBehindNginx } from '../support/behind-nginx.js';
import { freePort } from '../support/free-port.mjs';
import { bearer, signToken, accessClaims } from '../support/gateway.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService } from '../support/service.js';

describeWithNginx('the access log of nginx', () => {
  it('has one line for each request, with who answered and after how long', async () => {
    await using service = await startService((_request, response) => response.end('{}'));
    await using behind = await startBehindNginx({ AUTH_SERVICE_URL: service.url });

    await fetch(`${behind.url}/v1/auth/profile?a=b`, {
      headers: { ...bearer(), 'User-Agent': 'a test', Referer: 'http://a/?token=x' },
    });

    const line = await behind.nginx.logged(({ path }) => path === '/v1/auth/profile');
    expect(line).toEqual({
      level: 'info',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      message: 'request',
      service: 'nginx',
      request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      status: 200,
      latency_s: expect.any(Number),
      client_ip: '127.0.0.1',
      method: 'GET',
      path: '/v1/auth/profile',
      user_agent: 'a test',
      protocol: 'HTTP/1.1',
      tls: '',
      request_bytes: expect.any(Number),
      response_bytes: expect.any(Number),
      upstream: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      upstream_status: '200',
      upstream_connect_s: expect.stringMatching(/^\d/),
      upstream_headers_s: expect.stringMatching(/^\d/),
      upstream_s: expect.stringMatching(/^\d/),
    });
    expect(behind.nginx.lines).toHaveLength(1);
  });

  it.each([
    ['quotes and backslashes', 'GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: "\\","x":"\r\n\r\n'],
    ['control bytes', 'GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: a\x01\x1b[31m\tb\r\n\r\n'],
    ['bytes that are no UTF-8', 'GET /\xff\xfe HTTP/1.1\r\nHost: a\r\nUser-Agent: caf\xe9\r\n\r\n'],
    ['a malformed request line', 'G"ET\\ /"\r\n\r\n'],
    ['HTTP/0.9', 'GET /a\r\n'],
    ['a method of its own', 'A_METHOD-X /a HTTP/1.1\r\nHost: a\r\nUser-Agent: \x7f\r\n\r\n'],
    ['an endless user agent', `GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: ${'a'.repeat(15_000)}\r\n\r\n`],
  ])('is JSON in ASCII, whatever comes: %s', async (_name, bytes) => {
    await using behind = await startBehindNginx();
    await using client = await RawClient.connect(behind.port);

    client.write(bytes);
    const line = await behind.nginx.logged(() => true);

    expect(behind.nginx.lines[0]).toMatch(/^\{[ -~]+\}$/);
    expect(behind.nginx.lines[0]!.length).toBeLessThan(1_500);
    expect(line.message).toBe('request');
  });

  const secret = signToken(accessClaims());
  it.each([
    `/v1/ws/chat?access_token=${secret}`,
    `/v1/ws/chat?conversation_id=7&token=${secret}`,
    `/v1/storage/objects/${secret}`,
    `/v1/storage/objects/${secret}/more?a=b`,
    `/v1/messages/${secret}`,
    `/v1/messages/${secret.replaceAll('.', '%2e')}`,
    `//v1/ws/chat?token=${secret}`,
  ])('has no token, and neither has the error log: %s', async (path) => {
    const nobody = [await freePort(), await freePort()] as const;
    await using nginx = await Nginx.start(nobody);
    const signature = secret.split('.')[2]!;
    const headers = { Connection: 'close', Referer: `http://a${path}` };

    const { statuses } = await exchangeRaw(nginx.port, rawRequest(`GET ${path}`, { headers }));
    await exchangeRaw(nginx.port, rawRequest(`GET ${path} x`, { headers }));
    await nginx.logged(({ status }) => status === 400);

    expect(statuses).toEqual([502]);
    expect(nginx.lines.join()).not.toContain(signature);
    expect(nginx.errors).not.toContain(signature);
    expect(nginx.errors).not.toMatch(/\[(?:error|crit|alert|emerg)\]/);
  });
});
