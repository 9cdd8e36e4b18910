import { bearer, startGateway } from './support/gateway.js';

describe('a service that is not there', () => {
  it('is one JSON 502 that names the service, and a log line that says why', async () => {
    await using gateway = await startGateway();

    const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });

    expect(response.status).toBe(502);
    const id = response.headers.get('x-request-id');
    expect(await response.json()).toEqual({
      error: 'Service unavailable',
      service: 'auth-service',
      request_id: id,
    });
    const line = await gateway.logged({ request_id: id });
    expect(line).toMatchObject({
      status: 502,
      error_code: 'UPSTREAM_UNREACHABLE',
      stage: 'connect',
      attempts: 1,
    });
    expect(line.cause).toMatch(/ECONNREFUSED|bad port/);
  });
});
