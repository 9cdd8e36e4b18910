import { startBehindNginx } from '../support/behind-nginx.js';
import { describeWithNginx } from '../support/nginx.js';
import { exchangeRaw } from '../support/raw-client.js';

describeWithNginx('what is for those inside, asked through nginx,', () => {
  it.each([
    '/metrics',
    '/metrics/',
    '/metrics?a=b',
    '/METRICS',
    '//metrics',
    '/./metrics',
    '/x/../metrics',
    '/%6detrics',
    '/%2fmetrics',
    '/metrics%2f',
    '/metrics/..%2fmetrics',
    '/health/live',
    '/health/ready',
    '/health/ready/',
    '/Health/Ready',
    '/health//ready',
    '/health%2fready',
    '/health/%72eady',
    '/v1/../health/ready',
  ])('is not found as %s', async (path) => {
    await using behind = await startBehindNginx();

    const { statuses, json } = await exchangeRaw(
      behind.port,
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );

    expect(statuses).toEqual([404]);
    expect(json).toEqual({ error: 'Not found', request_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
    for (const gateway of behind.gateways) {
      expect(gateway.logs.filter(({ message }) => message === 'request')).toEqual([]);
    }
  });

  it.each([
    ['/metrics;x', 400],
    ['/metrics%00', 400],
    ['/metrics%5c', 400],
    ['/.%2e/metrics', 400],
    ['/health/..;/metrics', 404],
    ['/metricsx', 404],
  ])('is not to be had by %s either (%d)', async (path, status) => {
    await using behind = await startBehindNginx();

    const { statuses, text } = await exchangeRaw(
      behind.port,
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );

    expect(statuses).toEqual([status]);
    expect(text).not.toContain('http_requests_total');
  });

  it('leaves /health to everybody, and has an answer of its own for its container', async () => {
    await using behind = await startBehindNginx();

    const health = await fetch(`${behind.url}/health`);
    expect(await health.json()).toMatchObject({ status: 'healthy', service: 'api-gateway' });
    const own = `http://127.0.0.1:${behind.nginx.statusPort}`;
    expect((await fetch(`${own}/health`)).status).toBe(204);
    expect(await (await fetch(`${own}/status`)).text()).toMatch(/^Active connections: \d/);
  });
});
