import type { ServerResponse } from 'node:http';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { accessClaims, signToken, startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService, type PlayedService } from '../support/service.js';
import { SHORT_TIMEOUTS } from '../support/timeouts.js';

@Upstream({
  name: 'feed-service',
  instances: ['http://127.0.0.1:9'],
  routes: [
    { methods: ['GET', 'POST'], path: '/v1/feed/stream', auth: 'none', stream: true },
    { methods: ['GET'], path: '/v1/feed/private', stream: true },
    { methods: ['GET'], path: '/v1/feed/patient', auth: 'none', streamIdleTimeoutMs: 60_000 },
    { methods: ['GET'], path: '/v1/feed/hasty', auth: 'none', stream: true, streamIdleTimeoutMs: 300 },
    { methods: ['GET', 'POST'], path: '/v1/feed/plain', auth: 'none' },
  ],
})
class FeedUpstream {}

@Module({ providers: [FeedUpstream] })
class FeedModule {}

/** A service that sends a line of JSON and waits until the test lets it go on. */
async function startFeed(): Promise<PlayedService & { goOn: () => void }> {
  const responses = new Set<ServerResponse>();
  const service = await startService((_request, response) => {
    responses.add(response);
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).write('{"line":1}\n');
  });
  return Object.assign(service, {
    goOn: () => {
      for (const response of responses) response.end('{"line":2}\n');
    },
  });
}

const startFor = (
  service: PlayedService,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningGateway> =>
  startGateway({ modules: [FeedModule], env: { FEED_SERVICE_URL: service.url, ...SHORT_TIMEOUTS, ...env } });

async function open(gateway: RunningGateway, target: string): Promise<RawClient> {
  const client = await RawClient.connect(gateway.port);
  client.write(rawRequest(target, { headers: { Connection: 'close' } }));
  await client.until(/"line":1/);
  return client;
}

describe('a response that pauses', () => {
  it.concurrent('is whole on a route of streams, and on one with an idle timeout of its own', async () => {
    await using service = await startFeed();
    await using gateway = await startFor(service);
    await using stream = await open(gateway, 'GET /v1/feed/stream');
    await using patient = await open(gateway, 'GET /v1/feed/patient');
    // It began after the others, so they have paused for longer when it is cut.
    await using plain = await open(gateway, 'GET /v1/feed/plain');

    const { text } = await plain.ended();
    service.goOn();

    expect(text).not.toMatch(/0\r\n\r\n$/);
    for (const client of [stream, patient])
      expect((await client.ended()).text).toMatch(/"line":2.*\r\n0\r\n\r\n$/s);
  });

  it.concurrent('is cut by the idle timeout of its route, though that of streams is longer', async () => {
    await using service = await startFeed();
    await using gateway = await startFor(service);
    await using hasty = await open(gateway, 'GET /v1/feed/hasty');

    const { text } = await hasty.ended();

    expect(text).not.toMatch(/0\r\n\r\n$/);
    await gateway.logged({ path: '/v1/feed/hasty', error_code: 'UPSTREAM_TIMEOUT' });
  });
});

describe('a response of a route of streams', () => {
  it.concurrent('says X-Accel-Buffering: no to a trusted proxy', async () => {
    await using service = await startFeed();
    await using gateway = await startFor(service, { TRUST_PROXY: '127.0.0.1' });
    await using stream = await open(gateway, 'GET /v1/feed/stream');
    await using plain = await open(gateway, 'GET /v1/feed/plain');

    expect(stream.text).toMatch(/^X-Accel-Buffering: no\r$/m);
    expect(plain.text).not.toMatch(/X-Accel/i);
  });

  it.concurrent('is broken off when the token expires', async () => {
    await using service = await startFeed();
    await using gateway = await startFor(service, { JWT_CLOCK_TOLERANCE_SECONDS: '0' });
    await using client = await RawClient.connect(gateway.port);
    const token = signToken(accessClaims({ exp: Math.floor(Date.now() / 1000) + 2 }));
    client.write(rawRequest('GET /v1/feed/private', { headers: { Authorization: `Bearer ${token}` } }));

    const { text } = await client.ended();

    expect(text).toMatch(/"line":1/);
    expect(text).not.toMatch(/0\r\n\r\n$/);
    await gateway.logged({ path: '/v1/feed/private', error_code: 'SESSION_EXPIRED' });
  });

  it.concurrent('lets the body of its request be as slow as it is', async () => {
    await using service = await startFeed();
    await using gateway = await startFor(service, {
      REQUEST_BODY_GRACE_MS: '300',
      EVENT_STREAM_IDLE_TIMEOUT_MS: '60000',
    });
    const upload = async (path: string): Promise<RawClient> => {
      const client = await RawClient.connect(gateway.port);
      const headers = { 'Transfer-Encoding': 'chunked', Connection: 'close' };
      client.write(
        rawRequest(`POST ${path}`, { headers, body: `10000\r\n${'x'.repeat(65_536)}\r\n1\r\nx\r\n` }),
      );
      await client.until(/"line":1/);
      return client;
    };
    await using stream = await upload('/v1/feed/stream');
    await using plain = await upload('/v1/feed/plain');

    await gateway.logged({ path: '/v1/feed/plain', error_code: 'BODY_TOO_SLOW' });
    await plain.ended();
    service.goOn();
    stream.write('0\r\n\r\n');

    expect((await stream.ended()).text).toMatch(/"line":2/);
  });
});
