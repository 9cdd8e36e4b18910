import { bearer, startGateway } from './support/gateway.js';
import { startService } from './support/service.js';

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
    expect(text).toMatch(
      /http_request_duration_seconds_bucket\{.*endpoint="\/v1\/conversations\/:id".*\} \d/,
    );
    expect(text).not.toContain('wp-login');
  });

  it('does not let a client choose a label by its method', async () => {
    await using gateway = await startGateway();
    await fetch(`${gateway.url}/nowhere`, { method: 'PROPFIND' });

    const text = await (await fetch(`${gateway.url}/metrics`)).text();

    expect(text).toContain('http_requests_total{method="OTHER",endpoint="unmatched",status="404"');
    expect(text).not.toContain('PROPFIND');
  });
});
