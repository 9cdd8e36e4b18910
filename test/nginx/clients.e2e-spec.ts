import { FORWARDING_NAMES } from '@app/proxy/internal';
import { ask } from '../support/ask.js';
import { startBehindNginx } from '../support/behind-nginx.js';
import { bearer } from '../support/gateway.js';
import { describeWithNginx } from '../support/nginx.js';
import { startRecordingService, valuesOf, type RecordingService } from '../support/recording-service.js';
import { startService } from '../support/service.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';

const FORGED = {
  'X-Forwarded-For': '203.0.113.9',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Port': '444',
  'X-Forwarded-Prefix': '/evil',
  'X-Forwarded-Server': 'evil',
  'X-Real-IP': '203.0.113.9',
  Forwarded: 'for=203.0.113.9',
  'X-Request-ID': 'an-id-of-a-stranger',
  'X-User-Id': '1',
};

/** Every name by which proxies say for whom they speak. */
const DIALECTS = Object.fromEntries(FORWARDING_NAMES.map((name) => [name, 'for=203.0.113.9']));

/** What the service was told by names that matter here, in the order sent. */
function toldBy({ requests }: RecordingService): (readonly [string, string])[] {
  return requests[0]!.headers.filter(([name]) => /^(x-forwarded|x-real|x-user|forwarded)/i.test(name));
}

describeWithNginx('who a client is, behind nginx,', () => {
  it('is its address, whatever it says', async () => {
    await using service = await startRecordingService();
    await using behind = await startBehindNginx({ AUTH_SERVICE_URL: service.url });

    const { headers } = await ask(behind, {
      path: '/v1/auth/profile',
      from: '127.0.0.2',
      headers: { Host: 'api.example:9090', ...bearer(), ...DIALECTS, ...FORGED },
    });

    expect(toldBy(service)).toEqual([
      ['X-Forwarded-For', '127.0.0.2, 127.0.0.1'],
      ['X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Host', 'api.example:9090'],
      ['X-Forwarded-Port', '9090'],
    ]);
    const names = service.requests[0]!.headers.map(([name]) => name.toLowerCase());
    expect(names.filter((name) => FORWARDING_NAMES.includes(name))).toEqual([]);
    const line = await behind.nginx.logged(({ path }) => path === '/v1/auth/profile');
    expect(line).toMatchObject({
      client_ip: '127.0.0.2',
      request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(valuesOf(service.requests[0]!, 'x-request-id')).toEqual([line.request_id]);
    expect(headers['x-request-id']).toBe(line.request_id);
    const gateways = behind.gateways.flatMap(({ logs }) => logs);
    expect(gateways).toContainEqual(
      expect.objectContaining({ request_id: line.request_id, client_ip: '127.0.0.2' }),
    );
  });

  it('is what a load balancer says that was named, with its protocol and its id', async () => {
    await using service = await startRecordingService();
    await using behind = await startBehindNginx(
      { AUTH_SERVICE_URL: service.url },
      { NGINX_TRUSTED_PROXY: '127.0.0.9', NGINX_HSTS: 'max-age=60' },
    );

    const { headers } = await ask(behind, {
      path: '/v1/auth/profile',
      from: '127.0.0.9',
      headers: { Host: 'a', ...bearer(), ...FORGED, 'X-Forwarded-For': '198.51.100.7, 203.0.113.9' },
    });

    expect(toldBy(service)).toEqual([
      ['X-Forwarded-For', '203.0.113.9, 127.0.0.1'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'a'],
      ['X-Forwarded-Port', '443'],
    ]);
    expect(headers['x-request-id']).toBe('an-id-of-a-stranger');
    expect(headers['strict-transport-security']).toBe('max-age=60');
  });

  describeWithRedis('to its limits,', () => {
    it('has a bucket of its own for each address', async () => {
      await using redis = await RedisServer.start();
      await using service = await startService((_request, response) => response.end('{}'));
      await using behind = await startBehindNginx({
        AUTH_SERVICE_URL: service.url,
        REDIS_URL: redis.url,
        RATELIMIT: 'on',
        RATELIMIT_AUTH_LOGIN: '2',
      });
      const login = async (from: string, headers = {}): Promise<number> =>
        (await ask(behind, { method: 'POST', path: '/v1/auth/login', from, headers, body: '{}' })).status;

      const first: number[] = [];
      for (let n = 0; n < 3; n++) {
        first.push(await login('127.0.0.2', { 'X-Forwarded-For': `203.0.113.${n}` }));
      }
      expect(first).toEqual([200, 200, 429]);
      expect([await login('127.0.0.3'), await login('127.0.0.3'), await login('127.0.0.3')]).toEqual([
        200, 200, 429,
      ]);
    });
  });
});

describeWithNginx('one client that asks too much of nginx itself', () => {
  it('gets 429 in the words of the gateway, which hears nothing of it; others do not', async () => {
    await using behind = await startBehindNginx({}, { NGINX_REQUESTS_PER_SECOND: '1' });
    const asked = (from: string) => ask(behind, { path: '/v1/unknown', from });

    const answers = [await asked('127.0.0.2'), await asked('127.0.0.2'), await asked('127.0.0.2')];
    const refused = answers.at(-1)!;

    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.body)).toEqual({
      error: 'Rate limit exceeded',
      request_id: refused.headers['x-request-id'],
    });
    expect(refused.headers['retry-after']).toBe('1');
    expect((await asked('127.0.0.3')).status).toBe(404);
    await behind.nginx.logged(({ client_ip, status }) => client_ip === '127.0.0.3' && status === 404);
    expect(behind.nginx.lines.map((line) => JSON.parse(line).status)).toContain(429);
  });

  it.each([
    ['203.0.113.7', '203.0.113.8', 404],
    ['2001:db8:1:2::5', '2001:db8:1:2:ffff::6', 429],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::1', 429],
    ['2001:db8:1:2::5', '2001:db8:1:3::5', 404],
    ['2001:db8::5', '2001:db8::6', 429],
    ['2001:db8::5', '2001:db8:0:1::5', 404],
    ['2001:db8::a:b:c:d', '2001:db8::5', 429],
    ['::1', '::2', 404],
  ])('is one network for IPv6: after %s, %s gets %d', async (first, second, status) => {
    await using behind = await startBehindNginx(
      {},
      { NGINX_REQUESTS_PER_SECOND: '1', NGINX_TRUSTED_PROXY: '127.0.0.1' },
    );
    const asked = async (address: string): Promise<number> =>
      (await ask(behind, { path: '/v1/unknown', headers: { 'X-Forwarded-For': address } })).status;

    while ((await asked(first)) !== 429);

    expect(await asked(second)).toBe(status);
  });

  it('gets 429 for one connection too many', async () => {
    const { promise: isAsked, resolve: sayAsked } = Promise.withResolvers<void>();
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    await using service = await startService((_request, response) => {
      sayAsked();
      void mayAnswer.then(() => response.end('late'));
    });
    await using behind = await startBehindNginx(
      { AUTH_SERVICE_URL: service.url },
      { NGINX_CONNECTIONS: '1' },
    );
    const first = ask(behind, { path: '/v1/auth/profile', headers: bearer() });
    await isAsked;

    expect((await ask(behind, { path: '/v1/auth/profile', headers: bearer() })).status).toBe(429);
    answer();
    expect((await first).body).toBe('late');
  });
});
