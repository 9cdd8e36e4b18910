import { GatewayProcess } from '../support/process.js';
import { describeWithBuild } from '../support/requirements.js';
import { startService } from '../support/service.js';

describeWithBuild("a team's shutdown hooks", () => {
  it('run before the drain, behind it, and at the end', async () => {
    await using service = await startService((_request, response) => response.end('items'));
    await using gateway = GatewayProcess.start(
      { SHOP_SERVICE_URL: service.url },
      undefined,
      'test/support/hooks-gateway.mjs',
    );
    await gateway.port();

    gateway.signal('SIGTERM');

    expect(await gateway.exited).toBe(0);
    const steps = gateway.lines
      .filter(({ message }) => /drain|on[A-Z]|before[A-Z]/.test(message as string))
      .map(({ message, ready, items }) => [message, ready, items].filter((part) => part !== undefined));
    expect(steps).toEqual([
      // Not ready, and still serving.
      ['root onModuleDestroy', 503, 200],
      ['nested onModuleDestroy', 503, 200],
      ['global onModuleDestroy', 503, 200],
      ['drain begins: not ready, still serving'],
      ['drain: listener closed'],
      ['drain complete'],
      ['root beforeApplicationShutdown', 'refused', 'refused'],
      ['nested beforeApplicationShutdown', 'refused', 'refused'],
      ['global beforeApplicationShutdown', 'refused', 'refused'],
      ['root onApplicationShutdown', 'refused', 'refused'],
      ['nested onApplicationShutdown', 'refused', 'refused'],
      ['global onApplicationShutdown', 'refused', 'refused'],
    ]);
    expect(gateway.lines).toContainEqual(expect.objectContaining({ message: 'broken hook', level: 'error' }));
  });
});
