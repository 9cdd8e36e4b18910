import type { ServerResponse } from 'node:http';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService, type PlayedService } from '../support/service.js';

const STREAMS = 20;
const DRAIN_TIMEOUT_MS = 3_000;

@Upstream({
  name: 'ticker-service',
  instances: ['http://127.0.0.1:9'],
  routes: [
    { methods: ['GET'], path: '/v1/ticks', auth: 'none' },
    { methods: ['GET'], path: '/v1/resuming', auth: 'none', eventStream: { resume: true } },
    { methods: ['GET'], path: '/v1/lines', auth: 'none', stream: true },
  ],
})
class TickerUpstream {}

@Module({ providers: [TickerUpstream] })
class TickerModule {}

/** A service whose events come in two parts each, without an end. */
function startTicker(): Promise<PlayedService> {
  return startService((request, response) => {
    const isLines = request.url === '/v1/lines';
    response.writeHead(200, { 'Content-Type': isLines ? 'application/x-ndjson' : 'text/event-stream' });
    tick(response, 1);
  });
}

function tick(response: ServerResponse, id: number): void {
  if (response.destroyed) return;
  response.write(`id: ${id}\nda`);
  const timer = setTimeout(() => {
    response.write(`ta: ${id}\n\n`);
    tick(response, id + 1);
  }, 30);
  response.once('close', () => clearTimeout(timer));
}

const start = (service: PlayedService): Promise<RunningGateway> =>
  startGateway({
    modules: [TickerModule],
    env: { TICKER_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: String(DRAIN_TIMEOUT_MS) },
  });

async function open(gateway: RunningGateway, path: string): Promise<RawClient> {
  const client = await RawClient.connect(gateway.port);
  client.write(rawRequest(`GET ${path}`));
  await client.until(/ta: 1/);
  return client;
}

/** When the whole of a response has come. */
async function endOf(client: RawClient): Promise<number> {
  await client.until(/\r\n0\r\n\r\n$/);
  return performance.now();
}

describe('event streams in a drain', () => {
  it.each(['/v1/ticks', '/v1/resuming'])(
    'end behind a whole event and a time to come back, spread over the drain: %s',
    async (path) => {
      await using service = await startTicker();
      await using gateway = await start(service);
      await using stack = new AsyncDisposableStack();
      const clients = await Promise.all(
        Array.from({ length: STREAMS }, async () => stack.use(await open(gateway, path))),
      );

      const begunAt = performance.now();
      const closed = gateway.app.close();
      const ends = (await Promise.all(clients.map((client) => endOf(client)))).toSorted((a, b) => a - b);
      await closed;

      const retries = clients.map(({ text }) => {
        expect(text).toMatch(/ta: (\d+)\n\n\r\n[^]{1,3}\r\nretry: \d+\n\n\r\n0\r\n\r\n$/);
        return Number(/retry: (\d+)/.exec(text)![1]);
      });
      expect(Math.min(...retries)).toBeGreaterThanOrEqual(500);
      expect(Math.max(...retries)).toBeLessThanOrEqual(3_000);
      expect(new Set(retries).size).toBeGreaterThan(STREAMS / 2);
      // The last of twenty moments, evenly spread over eight tenths of the drain.
      expect(ends.at(-1)! - ends[0]!).toBeGreaterThan(DRAIN_TIMEOUT_MS * 0.6);
      expect(ends.at(-1)! - begunAt).toBeLessThan(DRAIN_TIMEOUT_MS);
      for (const client of clients) expect((await client.ended()).reset).toBe(false);
      expect(await gateway.logged({ path })).toMatchObject({ status: 200, error_code: 'GATEWAY_DRAINING' });
      expect(await gateway.logged({ message: 'drain: listener closed' })).toMatchObject({ streams: STREAMS });
      expect(gateway.logs.findLast((line) => 'streams' in line)).toMatchObject({ streams: 0 });
    },
  );

  it('that begin in it end in it', async () => {
    await using service = await startTicker();
    await using gateway = await start(service);
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('GET /health'));
    await client.until(/healthy/);

    const closed = gateway.app.close();
    await gateway.logged({ message: 'drain: listener closed' });
    client.write(rawRequest('GET /v1/ticks'));
    const { text, reset } = await client.ended();
    await closed;

    expect(text).toMatch(/text\/event-stream.*retry: \d+\n\n\r\n0\r\n\r\n$/s);
    expect(reset).toBe(false);
  });
});

describe('a stream of another type in a drain', () => {
  it('is broken off, so that it does not look whole', async () => {
    await using service = await startTicker();
    await using gateway = await start(service);
    await using client = await open(gateway, '/v1/lines');

    const closed = gateway.app.close();
    const { text } = await client.ended();
    await closed;

    expect(text).not.toMatch(/retry|\r\n0\r\n\r\n$/);
    await gateway.logged({ path: '/v1/lines', error_code: 'GATEWAY_DRAINING' });
    await gateway.logged({ message: 'drain complete' });
  });
});
