import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, Module, Res } from '@nestjs/common';
import { SHORT_TIMEOUTS } from '../support/timeouts.js';
import { bearer, startGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
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
  it.concurrent.each([
    ["a controller's", 'GET /large'],
    ["a service's", 'GET /v1/auth/profile'],
  ])('is cut off after the idle time: %s', async (_name, target) => {
    await using service = await startService((_request, response) => response.end(LARGE));
    await using gateway = await startGateway({
      modules: [LargeModule],
      env: { AUTH_SERVICE_URL: service.url, ...SHORT_TIMEOUTS },
    });
    await using client = await RawClient.connect(gateway.port);
    client.socket.pause();
    client.write(rawRequest(target));

    const line = await gateway.logged({ message: 'request' });

    expect(line).toMatchObject({ status: 499, error_code: 'CLIENT_STALLED' });
    expect(line).not.toHaveProperty('cause');
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toContain('http_requests_in_flight{service="api-gateway"} 1\n');
  });
});

/** Opens downloads that use up the connections. */
async function openDownloads(
  stack: AsyncDisposableStack,
  port: number,
  addresses: readonly string[],
): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (const address of addresses) {
    const client = stack.use(await RawClient.connect(port, address));
    client.write(rawRequest('GET /v1/auth/profile'));
    await client.until(/^HTTP\/1\.1 200 /);
    client.socket.pause();
    clients.push(client);
  }
  return clients;
}

/** Answers a GET at once, and a POST when its body is complete. */
const startDownloads = (): ReturnType<typeof startService> =>
  startService((request, response) => {
    request.on('error', () => {});
    if (request.method === 'GET') response.end(LARGE);
    else request.resume().on('end', () => response.end('ok'));
  });

describeUnderLoad('clients that do not read their responses', () => {
  const CONNECTIONS = 8;
  const ENV = { UPSTREAM_MAX_CONNECTIONS: String(CONNECTIONS), TRUST_PROXY: 'none' };
  const refresh = (url: string): Promise<Response> =>
    fetch(`${url}/v1/auth/refresh`, { method: 'POST', headers: bearer() });

  it.concurrent.each<[string, (index: number) => string]>([
    ['one address', () => '127.0.0.2'],
    ['many addresses', (index) => `127.0.1.${index + 1}`],
  ])(
    'leave connections to others who wait: from %s',
    async (_from, addressOf) => {
      await using service = await startDownloads();
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...ENV } });
      await using stack = new AsyncDisposableStack();
      const addresses = Array.from({ length: CONNECTIONS }, (_, index) => addressOf(index));
      await openDownloads(stack, gateway.port, addresses);

      const responses = await Promise.all([refresh(gateway.url), refresh(gateway.url)]);

      expect(responses.map(({ status }) => status)).toEqual([200, 200]);
      const cut = gateway.logs.filter(({ status }) => status === 499);
      expect(cut.length).toBeGreaterThan(0);
      // One for each that waits.
      expect(cut.length).toBeLessThanOrEqual(2);
      expect(cut[0]).toMatchObject({
        error_code: 'CLIENT_STALLED',
        cause: 'broken off: requests wait for a connection to auth-service',
      });
      expect(await metricsOf(gateway)).toMatch(
        /^upstream_slow_readers_cut_total\{upstream="auth-service",.*\} [1-9]\d*$/m,
      );
    },
    40_000,
  );

  it.concurrent(
    'nor do they together with slow uploads: two addresses that have a quarter of each',
    async () => {
      await using service = await startDownloads();
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...ENV } });
      await using stack = new AsyncDisposableStack();
      const addresses = ['127.0.0.2', '127.0.0.2', '127.0.0.3', '127.0.0.3'];
      await openDownloads(stack, gateway.port, addresses);
      for (const address of addresses) {
        const client = stack.use(await RawClient.connect(gateway.port, address));
        client.write(rawRequest('POST /v1/keys/upload', { headers: { 'Content-Length': 1_000_000 } }));
        const drip = setInterval(() => client.write('x'.repeat(100)), 100);
        stack.defer(() => clearInterval(drip));
      }
      while (service.sockets.size < CONNECTIONS) await new Promise(setImmediate);

      expect((await refresh(gateway.url)).status).toBe(200);
    },
    40_000,
  );

  it.concurrent(
    'are not those that read slowly and all the time: none is cut for a request that waits',
    async () => {
      await using service = await startDownloads();
      await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...ENV } });
      await using stack = new AsyncDisposableStack();
      const addresses = Array.from({ length: CONNECTIONS }, () => '127.0.0.2');
      for (const { socket } of await openDownloads(stack, gateway.port, addresses)) {
        // 320 KB/s: a read, then a pause.
        const reads = setInterval(() => socket.resume(), 200);
        socket.on('data', () => socket.pause());
        stack.defer(() => clearInterval(reads));
      }
      const waits = new AbortController();
      stack.defer(() => waits.abort());
      const waiting = fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer(), signal: waits.signal });

      await Promise.race([delay(14_000), waiting.catch(() => {})]);

      expect(gateway.logs.filter(({ status }) => status === 499)).toEqual([]);
    },
    40_000,
  );
});
