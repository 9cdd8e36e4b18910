import { startBehindNginx } from './support/behind-nginx.js';
import { describeWithNginx } from './support/nginx.js';
import { RawClient } from './support/raw-client.js';

describeWithNginx('behind nginx', () => {
  it('health is public, and what else watches the gateway is not, however it is spelled', async () => {
    await using system = await startBehindNginx({});
    const ask = async (path: string): Promise<[number | undefined, unknown]> => {
      await using client = await RawClient.connect(system.port);
      client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      const { statuses, json } = await client.ended();
      return [statuses[0], json];
    };

    expect(await ask('/health')).toEqual([200, expect.objectContaining({ status: 'healthy' })]);
    const hidden = [
      '/metrics',
      '/METRICS',
      '/metrics/',
      '//metrics',
      '/%6detrics',
      '/metrics?a=b',
      '/metrics%2f',
      '/v1/../metrics',
      '/health/ready',
      '/health/live',
      '/Health/Ready',
      '/health//ready',
      '/health%2Fready',
      '/health/./ready',
    ];
    for (const path of hidden) {
      expect([path, ...(await ask(path))]).toEqual([path, 404, { error: 'Not found' }]);
    }
    // As strange as these may be, the gateway itself decides.
    for (const path of ['/;/metrics', '/metrics;a', '/\\metrics', '/metrics%00', '/health/%']) {
      const [status] = await ask(path);
      expect([path, status]).toEqual([path, 400]);
    }
  });
});
