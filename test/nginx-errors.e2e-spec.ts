import { startBehindNginx } from './support/behind-nginx.js';
import { Nginx, describeWithNginx } from './support/nginx.js';
import { RawClient } from './support/raw-client.js';
import { freePort, startService } from './support/service.js';

describeWithNginx('an error that nginx makes', () => {
  it.each<[string, string, number, string]>([
    ['a host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'Bad request'],
    [
      'a body past the limit',
      `POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: ${30 * 1024 ** 2}\r\n\r\n`,
      413,
      'Request body too large',
    ],
    [
      'a target that is too long',
      `GET /${'a'.repeat(10_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      414,
      'URI too long',
    ],
    [
      'a header that is too long',
      `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
      'Request headers too large',
    ],
  ])('for %s has the format of the gateway', async (_what, bytes, status, error) => {
    await using system = await startBehindNginx({});
    await using client = await RawClient.connect(system.port);
    client.write(bytes);

    const text = await client.until(/\}$/);
    const [head, body] = text.split('\r\n\r\n') as [string, string];
    expect([Number(head.split(' ')[1]), JSON.parse(body)]).toEqual([status, { error }]);
    expect(text).not.toMatch(/nginx\/\d/);
  });

  it('where no gateway is there is 502, with one line in the log that says so', async () => {
    await using nginx = await Nginx.start([await freePort(), await freePort()]);
    const response = await fetch(`${nginx.url}/v1/auth/profile?token=secret`);

    expect([response.status, await response.json()]).toEqual([
      502,
      { error: 'Service unavailable', service: 'api-gateway' },
    ]);
    const line = await nginx.logged(({ status }) => status === 502);
    expect(line).toMatchObject({ path: '/v1/auth/profile', upstream_status: '502, 502' });
    expect(nginx.lines.join() + nginx.stderr).not.toContain('secret');
  });

  it('is told from one of the gateway, which passes as it is', async () => {
    await using system = await startBehindNginx({});
    const response = await fetch(`${system.url}/v1/auth/login`, { method: 'POST' });

    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ service: 'auth-service' });
    expect(response.headers.get('X-Gateway-Error')).toBe('UPSTREAM_UNREACHABLE');
  });
});

describeWithNginx('the access log of nginx', () => {
  it('is JSON without tokens, whatever a client sends', async () => {
    await using service = await startService((_request, response) => response.end());
    await using system = await startBehindNginx({ STORAGE_SERVICE_URL: service.url });
    const { nginx } = system;
    const agents = ['"quoted\\"', '\\x22}{', 'caf\xe9 \x01 \x7f', '${jndi:x}', ''];
    for (const agent of agents) {
      await using client = await RawClient.connect(nginx.port);
      client.write(
        `GET /a\xff"b?token=aaa.bbb.ccc HTTP/1.1\r\nHost: a\r\nUser-Agent: ${agent}\r\nConnection: close\r\n\r\n`,
      );
      await client.ended();
    }
    for (const bytes of ['\x16\x03\x01\r\n\r\n', 'GET /\r\n', 'GET / HTTP/9.9\r\n\r\n']) {
      await using client = await RawClient.connect(nginx.port);
      client.write(bytes);
      await client.ended();
    }
    const signed = '/v1/storage/objects/aaaaaaaa.get-1.bbbbbbbb';
    await fetch(nginx.url + signed, { headers: { Referer: 'http://a/?token=ccc' } });

    await nginx.logged(({ path }) => path === '/v1/storage/objects/[redacted]');
    expect(nginx.lines.length).toBeGreaterThanOrEqual(agents.length + 4);
    for (const line of nginx.lines) expect(JSON.parse(line)).toMatchObject({ service: 'nginx' });
    expect(nginx.lines.join()).not.toMatch(/aaa\.bbb|bbbbbbbb|ccc/);
  });
});
