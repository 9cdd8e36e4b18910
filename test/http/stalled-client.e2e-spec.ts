import type { ServerResponse } from 'node:http';
import { Controller, Get, Module, Res } from '@nestjs/common';
import { SHORT_CLOCKS } from '../support/clocks.js';
import { bearer, startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { describeUnderLoad } from '../support/requirements.js';
import { startService } from '../support/service.js';

/** More than the buffers of both ends can take. */
const LARGE = Buffer.alloc(32 * 1024 * 1024);

@Controller('large')
class LargeController {
  @Get()
  read(@Res() response: ServerResponse): void {
    response.end(LARGE);
  }
}

@Module({ controllers: [LargeController] })
class LargeModule {}

describe('a client that does not read its answer', () => {
  it.each([
    ["a controller's", 'GET /large'],
    ["a service's", 'GET /v1/auth/profile'],
  ])('is cut off after the idle time: %s', async (_name, target) => {
    await using service = await startService((_request, response) => response.end(LARGE));
    await using gateway = await startGateway({
      modules: [LargeModule],
      env: { AUTH_SERVICE_URL: service.url, ...SHORT_CLOCKS },
    });
    await using client = await RawClient.connect(gateway.port);
    client.socket.pause();
    client.write(rawRequest(target));

    const line = await gateway.logged({ message: 'request' });

    expect(line).toMatchObject({ status: 499, error_code: 'CLIENT_STALLED' });
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toContain('http_requests_in_flight{service="api-gateway"} 1\n');
  });
});

describeUnderLoad('clients that do not read their responses', () => {
  const CONNECTIONS = 8;

  it.each<[string, (index: number) => string, number]>([
    ['one address', () => '127.0.0.2', CONNECTIONS / 4],
    ['many addresses', (index) => `127.0.1.${index + 1}`, CONNECTIONS / 2],
  ])('leave connections to others who wait: from %s', async (_from, addressOf, kept) => {
    await using service = await startService((request, response) =>
      response.end(request.url === '/v1/auth/profile' ? LARGE : 'ok'),
    );
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, UPSTREAM_CONNECTIONS: String(CONNECTIONS), TRUST_PROXY: 'none' },
    });
    await using stack = new AsyncDisposableStack();
    for (let index = 0; index < CONNECTIONS; index++) {
      const client = stack.use(await RawClient.connect(gateway.port, addressOf(index)));
      client.write(rawRequest('GET /v1/auth/profile'));
      await client.until(/^HTTP\/1\.1 200 /);
      client.socket.pause();
    }

    const response = await fetch(`${gateway.url}/v1/auth/refresh`, { method: 'POST', headers: bearer() });

    expect([response.status, await response.text()]).toEqual([200, 'ok']);
    expect(await gateway.logged({ message: 'request', status: 499 })).toMatchObject({
      error_code: 'CLIENT_STALLED',
    });
    // The rest goes on: it may have so many, and nobody waits any more.
    const cut = gateway.logs.filter(({ status }) => status === 499).length;
    expect(cut).toBeLessThanOrEqual(CONNECTIONS - kept);
    expect(service.sockets.size).toBeGreaterThanOrEqual(kept);
  });
});
