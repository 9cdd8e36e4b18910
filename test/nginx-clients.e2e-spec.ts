import { once } from 'node:events';
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { startBehindNginx } from './support/behind-nginx.js';
import { bearer } from './support/gateway.js';
import { describeWithNginx } from './support/nginx.js';
import { startService } from './support/service.js';

/** Asks from this address of the loopback network. */
async function askFrom(
  port: number,
  localAddress: string,
  headers: OutgoingHttpHeaders = {},
): Promise<IncomingMessage> {
  const path = '/v1/auth/login';
  const asking = request({ host: '127.0.0.1', port, path, method: 'POST', localAddress, headers });
  asking.end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response;
}

describeWithNginx('clients behind nginx', () => {
  it('are limited each on its own, whatever they say of themselves', async () => {
    await using service = await startService((_request, response) => response.end());
    const env = { AUTH_SERVICE_URL: service.url, RATELIMIT: 'on', RATELIMIT_AUTH_LOGIN: '2' };
    await using system = await startBehindNginx(env);
    const statuses = async (address: string): Promise<number[]> => {
      const seen: number[] = [];
      // Two gateways without Redis, each with its own count.
      for (let each = 0; each < 5; each++) {
        const forged = { 'X-Forwarded-For': `10.0.0.${each}`, 'X-Real-IP': `10.0.0.${each}` };
        seen.push((await askFrom(system.port, address, forged)).statusCode!);
      }
      return seen;
    };

    expect(await statuses('127.0.0.2')).toEqual([200, 200, 200, 200, 429]);
    expect(await statuses('127.0.0.3')).toEqual([200, 200, 200, 200, 429]);
  });

  it('are known to the service by nginx alone', async () => {
    let seen: IncomingMessage['headers'] = {};
    await using service = await startService(({ headers }, response) => {
      seen = headers;
      response.end();
    });
    await using system = await startBehindNginx({ AUTH_SERVICE_URL: service.url });

    const response = await askFrom(system.port, '127.0.0.4', {
      Host: 'api.example.com',
      'X-Forwarded-For': '10.9.9.9',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'evil.example.com',
      'X-Request-ID': 'of-a-stranger',
      'X-User-Id': 'admin',
    });

    expect(seen).toMatchObject({ 'x-forwarded-proto': 'http', 'x-forwarded-host': 'api.example.com' });
    expect(seen['x-forwarded-for']).toMatch(/^127\.0\.0\.4(, 127\.0\.0\.1)?$/);
    expect(seen['x-user-id']).toBeUndefined();
    const id = response.headers['x-request-id'];
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(seen['x-request-id']).toBe(id);
    expect(await system.nginx.logged((line) => line['request_id'] === id)).toMatchObject({
      client_ip: '127.0.0.4',
      status: 200,
    });
  });

  it('are named by a load balancer in front, where it is trusted', async () => {
    let forwardedFor: string | undefined;
    await using service = await startService(({ headers }, response) => {
      forwardedFor = String(headers['x-forwarded-for']);
      response.end();
    });
    const variables = { NGINX_TRUSTED_PROXY: '127.0.0.5' };
    await using system = await startBehindNginx({ AUTH_SERVICE_URL: service.url }, variables);

    await askFrom(system.port, '127.0.0.5', { 'X-Forwarded-For': '10.6.6.6, 203.0.113.7' });
    expect(forwardedFor).toMatch(/^203\.0\.113\.7\b/);
    await askFrom(system.port, '127.0.0.6', { 'X-Forwarded-For': '10.6.6.6, 203.0.113.7' });
    expect(forwardedFor).toMatch(/^127\.0\.0\.6\b/);
  });

  it('that ask too fast get 429 from nginx, in the gateway words, each address on its own', async () => {
    await using service = await startService((_request, response) => response.end());
    const variables = { NGINX_REQUESTS_PER_SECOND: '1' };
    await using system = await startBehindNginx({ AUTH_SERVICE_URL: service.url }, variables);
    const asked = await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${system.url}/v1/auth/profile`, { headers: bearer() })),
    );

    const refused = asked.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(10);
    expect(await refused[0]!.json()).toEqual({ error: 'Rate limit exceeded' });
    expect(refused[0]!.headers.get('Retry-After')).toBe('1');
    expect((await askFrom(system.port, '127.0.0.7')).statusCode).toBe(200);
  });
});
