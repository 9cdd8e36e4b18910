import { bearer, startGateway } from './support/gateway.js';
import { startService } from './support/service.js';

describe('connections to a service', () => {
  it('serve one request after another, of any method, and the metrics show it', async () => {
    await using service = await startService((request, response) => {
      request.resume().once('end', () => response.end());
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const url = `${gateway.url}/v1/users/me`;
    for (const method of ['GET', 'HEAD', 'PATCH', 'DELETE', 'GET']) {
      const body = method === 'PATCH' || method === 'DELETE' ? { body: 'some' } : {};
      await (await fetch(url, { method, headers: bearer(), ...body })).text();
    }

    expect(service.accepted()).toBe(1);
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    const labels = `{upstream="auth-service",instance="${service.url}",service="api-gateway"}`;
    expect(text).toContain(`upstream_connections_opened_total${labels} 1`);
    expect(text).toContain(`upstream_connections_reused_total${labels} 4`);
    expect(text).toContain(`upstream_connections${labels} 1`);
  });
});
