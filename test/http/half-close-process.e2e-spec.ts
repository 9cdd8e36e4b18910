import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { openDescriptors } from '../support/descriptors.js';
import { GatewayProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { describeUnderLoad, describeWithBuild } from '../support/requirements.js';
import { ended, startService } from '../support/service.js';

describeWithBuild('the drain of half-closed connections', () => {
  async function startDraining(env: Readonly<Record<string, string>>) {
    const { promise: asked, resolve: ask } = Promise.withResolvers<[IncomingMessage, ServerResponse]>();
    const service = await startService((...exchange) => ask(exchange));
    const gateway = GatewayProcess.start({ AUTH_SERVICE_URL: service.url, ...env });
    const client = await RawClient.connect(await gateway.port());
    client.socket.end(Buffer.from(rawRequest('GET /v1/auth/profile')));
    const [, response] = await asked;
    gateway.signal('SIGTERM');
    await gateway.logged('drain: listener closed');
    return {
      gateway,
      client,
      response,
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]();
        await gateway[Symbol.asyncDispose]();
        await service[Symbol.asyncDispose]();
      },
    };
  }

  it('ends with their responses', async () => {
    await using drain = await startDraining({ DRAIN_TIMEOUT_MS: '60000' });

    drain.response.end('late but whole');

    expect((await drain.client.ended()).text).toMatch(/late but whole$/);
    expect(await drain.gateway.exited).toBe(0);
    expect(drain.gateway.lines.some(({ message }) => message === 'drain complete')).toBe(true);
  });

  it('ends at its deadline', async () => {
    await using drain = await startDraining({ DRAIN_TIMEOUT_MS: '200' });

    expect((await drain.client.ended()).text).toBe('');
    expect(await drain.gateway.exited).toBe(0);
    expect(await drain.gateway.logged('drain deadline: destroying what is left')).toMatchObject({
      in_flight: 1,
    });
  });
});

describeUnderLoad('many half-closed connections', () => {
  it('cost no descriptor', async () => {
    const held: ServerResponse[] = [];
    await using service = await startService((request, response) => {
      if (request.url!.endsWith('held')) held.push(response);
      else response.end('served');
    });
    await using gateway = GatewayProcess.start({
      AUTH_SERVICE_URL: service.url,
      RATELIMIT: 'off',
      UPSTREAM_KEEP_ALIVE_TIMEOUT_MS: '1',
    });
    const port = await gateway.port();
    const before = openDescriptors(gateway.pid);

    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 25 }, async (_, index) => {
          await using client = await RawClient.connect(port);
          const leaves = index % 5 === 0;
          client.socket.end(Buffer.from(rawRequest(`GET /v1/auth/profile?${leaves ? 'held' : ''}`)));
          if (leaves) {
            await once(client.socket, 'finish');
            client.socket.resetAndDestroy();
          } else {
            expect((await client.ended()).statuses).toEqual([200]);
          }
        }),
      );
    }
    await Promise.all(held.map(({ req }) => ended(req.socket)));
    while (openDescriptors(gateway.pid) > before + 2) await fetch(`http://127.0.0.1:${port}/health/live`);
    expect(gateway.lines.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(400);
  });
});
