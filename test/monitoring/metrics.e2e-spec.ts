import { DnsServer } from '../support/dns.js';
import { freePort } from '../support/free-port.mjs';
import { bearer, startGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService } from '../support/service.js';

describe('metrics', () => {
  it('count by the template of the route, never by the path, and one label for all unknown paths', async () => {
    await using service = await startService((_request, response) => response.end());
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    for (const path of ['/v1/conversations/1', '/v1/conversations/2', '/wp-login.php', '/.env', '/health']) {
      await fetch(`${gateway.url}${path}`, { headers: bearer() });
    }
    await fetch(`${gateway.url}/v1/conversations/3`);

    const text = await (await fetch(`${gateway.url}/metrics`)).text();

    const labels = (endpoint: string, status: number): string =>
      `http_requests_total{method="GET",endpoint="${endpoint}",status="${status}",service="api-gateway"}`;
    expect(text).toContain(`${labels('/v1/conversations/:id', 200)} 2`);
    expect(text).toContain(`${labels('/v1/conversations/:id', 401)} 1`);
    expect(text).toContain(`${labels('unmatched', 404)} 2`);
    expect(text).toContain(`${labels('/health', 200)} 1`);
    expect(text).toContain('http_requests_in_flight{service="api-gateway"} 1');
    expect(text).not.toContain('wp-login');
  });

  it('time by the upstream, or by the path of a controller: however many routes there are', async () => {
    await using service = await startService((_request, response) => response.end());
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    for (const path of ['/v1/conversations/1', '/v1/users/me', '/v1/auth/profile', '/nowhere', '/health']) {
      await fetch(`${gateway.url}${path}`, { headers: bearer() });
    }

    const counts = [
      ...(await metricsOf(gateway)).matchAll(
        /^http_request_duration_seconds_count\{(.*),service=.*\} (\d+)$/gm,
      ),
    ].map(([, labels, count]) => `${labels} ${count}`);

    expect(counts.toSorted()).toEqual([
      'method="GET",endpoint="/health" 1',
      'method="GET",endpoint="auth-service" 3',
      'method="GET",endpoint="unmatched" 1',
    ]);
  });

  it('does not let a client choose a label by its method', async () => {
    await using gateway = await startGateway();
    await fetch(`${gateway.url}/nowhere`, { method: 'PROPFIND' });

    const text = await (await fetch(`${gateway.url}/metrics`)).text();

    expect(text).toContain('http_requests_total{method="OTHER",endpoint="unmatched",status="404"');
    expect(text).not.toContain('PROPFIND');
  });

  it("count what the gateway itself failed, by service and code, and not a service's own 5xx", async () => {
    await using service = await startService((_request, response) => response.writeHead(502).end('its own'));
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, MAX_RETRIES: '0' } });
    for (const path of ['/v1/auth/profile', '/v1/messages', '/nowhere']) {
      await fetch(`${gateway.url}${path}`, { headers: bearer() });
    }

    const lines = (await metricsOf(gateway))
      .split('\n')
      .filter((line) => line.startsWith('gateway_request_failures'));

    expect(lines).toEqual([
      'gateway_request_failures_total{upstream="auth-service",code="UPSTREAM_UNREACHABLE",service="api-gateway"} 1',
    ]);
  });

  it('name the address of an instance, how many connections it may have, and forget one that is gone', async () => {
    await using dns = await DnsServer.start({ 'auth.test': ['127.0.0.1', '127.0.0.2'] });
    const port = await freePort();
    await using gateway = await startGateway({
      env: {
        AUTH_SERVICE_URL: `dns://auth.test:${port}`,
        DNS_SERVERS: dns.address,
        DNS_REFRESH_INTERVAL_MS: '500',
        HEALTH_CHECK_INTERVAL_MS: '0',
        UPSTREAM_MAX_CONNECTIONS: '7',
      },
    });
    const limits = async (): Promise<string[]> =>
      (await metricsOf(gateway))
        .split('\n')
        .filter((line) => line.startsWith('upstream_connections_limit{upstream="auth-service"'));
    const limitOf = (address: string): string =>
      `upstream_connections_limit{upstream="auth-service",address="http://${address}:${port}",service="api-gateway"} 7`;
    const both = await limits();

    dns.records.set('auth.test', ['127.0.0.2']);
    while ((await limits()).length > 1);

    expect(both.toSorted()).toEqual([limitOf('127.0.0.1'), limitOf('127.0.0.2')]);
    expect(await limits()).toEqual([limitOf('127.0.0.2')]);
  });
});

describeWithRedis('the metric of where revoked tokens are known', () => {
  it('is 1 while memory has them all, and 0 where Redis may not tell of them', async () => {
    await using redis = await RedisServer.start();
    const client = await redis.client();
    await using open = await startGateway({ env: { REDIS_URL: redis.url } });
    await client.call('ACL', 'SETUSER', 'quiet', 'on', 'nopass', '~*', '&*', '+@all', '-config');
    await client.config('SET', 'notify-keyspace-events', '');
    await using quiet = await startGateway({ env: { REDIS_URL: `redis://quiet:x@127.0.0.1:${redis.port}` } });

    expect(await metricsOf(open)).toContain('revocation_in_memory{service="api-gateway"} 1\n');
    expect(await metricsOf(quiet)).toContain('revocation_in_memory{service="api-gateway"} 0\n');
    expect(await metricsOf(quiet)).toContain('redis_degraded_mode{service="api-gateway"} 0\n');
  });
});
