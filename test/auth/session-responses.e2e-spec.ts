import type { ServerResponse } from 'node:http';
import { Module } from '@nestjs/common';
import { Upstream } from '@app/proxy';
import { accessClaims, signToken, startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient, type RawExchange } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { startService, type PlayedService } from '../support/service.js';

const EVENT_STREAM = { 'Content-Type': 'text/event-stream' };
const EVENT = 'data: tick\n\n';

/** Streams as its path says, for as long as somebody reads; a logout ends at once. */
function startStreaming(): Promise<PlayedService> {
  return startService((request, response) => {
    const [, kind] = /kind=(\w+)/.exec(request.url!) ?? [];
    if (kind === 'events') repeat(response.writeHead(200, EVENT_STREAM), EVENT);
    else if (kind === 'halves') repeat(response.writeHead(200, EVENT_STREAM), 'data: half ');
    else if (kind === 'gzip')
      repeat(response.writeHead(200, { ...EVENT_STREAM, 'Content-Encoding': 'gzip' }), EVENT);
    else if (kind === 'download') repeat(response.writeHead(200, { 'Content-Length': 10_000_000 }), 'bytes');
    else if (kind !== 'silence') response.end('{}');
  });
}

function repeat(response: ServerResponse, text: string): void {
  const timer = setInterval(() => response.write(text), 20);
  response.once('close', () => clearInterval(timer));
}

/** Routes whose streams go on, or whose downloads end, at the token's expiry. */
@Upstream({
  name: 'feed-service',
  instances: ['http://localhost:8090'],
  routes: [
    { methods: ['GET'], path: '/v1/feed/lasting', endsAtExpiry: false },
    { methods: ['GET'], path: '/v1/feed/ending', endsAtExpiry: true },
  ],
})
class FeedUpstream {}

@Module({ providers: [FeedUpstream] })
class FeedModule {}

function startFor(
  service: PlayedService,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningGateway> {
  return startGateway({
    modules: [FeedModule],
    env: {
      AUTH_SERVICE_URL: service.url,
      CHAT_SERVICE_URL: service.url,
      FEED_SERVICE_URL: service.url,
      JWT_CLOCK_TOLERANCE_SECONDS: '0',
      ...env,
    },
  });
}

const headersOf = (claims: Record<string, unknown>) => ({ Authorization: `Bearer ${signToken(claims)}` });

/** What a client gets of a response that begins before its session ends. */
async function follow(
  gateway: RunningGateway,
  target: string,
  claims: Record<string, unknown>,
  end: () => Promise<unknown>,
): Promise<RawExchange> {
  await using client = await RawClient.connect(gateway.port);
  client.write(rawRequest(`GET ${target}`, { headers: { ...headersOf(claims), Connection: 'close' } }));
  if (!target.includes('silence')) await client.until(/\r\n\r\n./s);
  await end();
  return await client.ended();
}

function logout({ url }: RunningGateway, claims: Record<string, unknown>): Promise<unknown> {
  return fetch(`${url}/v1/auth/logout`, { method: 'POST', headers: headersOf(claims) });
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

describe('a response in flight whose session is revoked', () => {
  it.concurrent('ends behind a whole event, if it is an event stream', async () => {
    await using service = await startStreaming();
    await using gateway = await startFor(service);
    const claims = accessClaims();

    const { text, reset } = await follow(gateway, '/v1/messages?kind=events', claims, () =>
      logout(gateway, claims),
    );

    // Whole: the last chunk is there.
    expect(text).toMatch(/data: tick\n\n\r\n0\r\n\r\n$/);
    expect(reset).toBe(false);
    expect(await gateway.logged({ path: '/v1/messages' })).toMatchObject({
      status: 200,
      error_code: 'SESSION_REVOKED',
    });
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/^gateway_responses_ended_total\{reason="revoked".*\} 1$/m);
  });

  it.concurrent.each(['halves', 'gzip', 'download'])(
    'is cut, since its parts cannot be told apart: %s',
    async (kind) => {
      await using service = await startStreaming();
      await using gateway = await startFor(service);
      const claims = accessClaims();

      const { text } = await follow(gateway, `/v1/messages?kind=${kind}`, claims, () =>
        logout(gateway, claims),
      );

      expect(text).toMatch(/^HTTP\/1\.1 200 /);
      expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
      await gateway.logged({ path: '/v1/messages', error_code: 'SESSION_REVOKED' });
    },
  );

  it.concurrent('is 401 if it has not begun', async () => {
    await using service = await startStreaming();
    await using gateway = await startFor(service);
    const claims = accessClaims();

    const { statuses, json } = await follow(gateway, '/v1/messages?kind=silence', claims, async () => {
      while (service.accepted() === 0) await new Promise(setImmediate);
      await logout(gateway, claims);
    });

    expect(statuses).toEqual([401]);
    expect(json).toMatchObject({ error: 'Token revoked' });
  });

  it.concurrent('of another session goes on', async () => {
    await using service = await startStreaming();
    await using gateway = await startFor(service);
    const [claims, others] = [accessClaims(), accessClaims()];
    await using other = await RawClient.connect(gateway.port);
    other.write(rawRequest('GET /v1/messages?kind=events', { headers: headersOf(others) }));

    await follow(gateway, '/v1/messages?kind=events', claims, () => logout(gateway, claims));
    const before = other.text.length;
    await other.until(new RegExp(`^.{${before + 100},}`, 's'));

    expect(other.socket.destroyed).toBe(false);
  });
});

describeWithRedis('a response in flight', () => {
  it.concurrent('ends at every gateway when Redis tells of the end of its session', async () => {
    await using redis = await RedisServer.start();
    await using service = await startStreaming();
    await using one = await startFor(service, { REDIS_URL: redis.url });
    await using other = await startFor(service, { REDIS_URL: redis.url });
    const claims = accessClaims({ sid: 'the session' });
    const client = await redis.client();
    const revoke = (): Promise<unknown> =>
      client.set('blacklist:session:the session', 'revoked', 'EX', 3_600);

    const ends = await Promise.all(
      [one, other].map((gateway) => follow(gateway, '/v1/messages?kind=events', claims, revoke)),
    );

    for (const { text } of ends) expect(text).toMatch(/data: tick\n\n\r\n0\r\n\r\n$/);
  });
});

describe('a response in flight whose token expires', () => {
  it.concurrent.each([
    ['an event stream', '/v1/messages?kind=events', /data: tick\n\n\r\n0\r\n\r\n$/],
    ['a download of a route that says so', '/v1/feed/ending?kind=download', /^HTTP\/1\.1 200 .*bytes$/s],
  ])('ends, if it is %s', async (_what, target, expected) => {
    await using service = await startStreaming();
    await using gateway = await startFor(service);
    const claims = accessClaims({ exp: inSeconds(2) });

    const { text } = await follow(gateway, target, claims, async () => {});

    expect(text).toMatch(expected);
    await gateway.logged({ message: 'request', error_code: 'SESSION_EXPIRED' });
  });

  it.concurrent.each([
    ['a download', '/v1/messages?kind=download'],
    ['an event stream of a route that says so', '/v1/feed/lasting?kind=events'],
  ])('goes on, if it is %s', async (_what, target) => {
    await using service = await startStreaming();
    await using gateway = await startFor(service);
    const headers = headersOf(accessClaims({ exp: inSeconds(1) }));
    await using lasting = await RawClient.connect(gateway.port);
    lasting.write(rawRequest(`GET ${target}`, { headers }));
    await lasting.until(/\r\n\r\n./s);

    // One that ends at the expiry of the same token has ended.
    const { text } = await follow(
      gateway,
      '/v1/messages?kind=events',
      accessClaims({ exp: inSeconds(2) }),
      async () => {},
    );
    const before = lasting.text.length;
    await lasting.until(new RegExp(`^.{${before + 50},}`, 's'));

    expect(text).toMatch(/0\r\n\r\n$/);
    expect(lasting.socket.destroyed).toBe(false);
  });
});
