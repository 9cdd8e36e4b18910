import type { IncomingMessage, ServerResponse } from 'node:http';
import { RouteConfigurationError, Upstream, type RouteOptions } from '@app/proxy/internal';
import { Module, type Type } from '@nestjs/common';
import { accessClaims, signToken, startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService, type PlayedService } from '../support/service.js';

const EVENT_STREAM = { 'Content-Type': 'text/event-stream' };

/** A module with one upstream of these routes. */
function moduleOf(routes: readonly RouteOptions[]): Type {
  class TickerUpstream {}
  Upstream({ name: 'ticker-service', instances: ['http://127.0.0.1:9'], routes })(TickerUpstream);
  class TickerModule {}
  Module({ providers: [TickerUpstream] })(TickerModule);
  return TickerModule;
}

const TICKER = moduleOf([
  { methods: ['GET'], path: '/v1/ticks', auth: 'none', eventStream: { resume: true } },
  { methods: ['GET'], path: '/v1/private', eventStream: { resume: true } },
  { methods: ['GET'], path: '/v1/plain', auth: 'none' },
]);

const event = (id: number): string => `id: ${id}\ndata: event ${id}\n\n`;

type Turn = (response: ServerResponse, request: IncomingMessage) => void;

/** Sends this, and breaks the connection once the client has got `id: 1`. */
const cutBehind =
  (text: string, headers: Readonly<Record<string, string>> = {}): Turn =>
  (response) => {
    response.writeHead(200, { ...EVENT_STREAM, ...headers }).write(text, () => {
      response.req.socket.resetAndDestroy();
    });
  };

const goOn =
  (from: number): Turn =>
  (response) => {
    response.writeHead(200, EVENT_STREAM).end(event(from) + event(from + 1));
  };

/** Instances that take turns, and what they were asked. */
class Instances implements AsyncDisposable {
  readonly lastEventIds: (string | undefined)[] = [];
  private readonly services: PlayedService[] = [];

  /** @param turns one for each request; the last is that of all further ones */
  static async start(turns: readonly Turn[], count = 2): Promise<Instances> {
    const instances = new Instances();
    for (let index = 0; index < count; index++) {
      const service = await startService((request, response) => {
        const turn = turns[Math.min(instances.lastEventIds.length, turns.length - 1)]!;
        instances.lastEventIds.push(request.headers['last-event-id'] as string | undefined);
        turn(response, request);
      });
      instances.services.push(service);
    }
    return instances;
  }

  get urls(): string {
    return this.services.map(({ url }) => url).join();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const service of this.services) await service[Symbol.asyncDispose]();
  }
}

const startFor = (
  { urls }: { readonly urls: string },
  env: Readonly<Record<string, string>> = {},
): Promise<RunningGateway> =>
  startGateway({
    modules: [TICKER],
    env: { TICKER_SERVICE_URL: urls, JWT_CLOCK_TOLERANCE_SECONDS: '0', ...env },
  });

async function open(
  gateway: RunningGateway,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawClient> {
  const client = await RawClient.connect(gateway.port);
  client.write(rawRequest(`GET ${path}`, { headers: { Connection: 'close', ...headers } }));
  return client;
}

/** The bytes of a body in chunks, and whether its last chunk is there. */
function readChunks(text: string): { readonly body: string; readonly isWhole: boolean } {
  const coded = text.slice(text.indexOf('\r\n\r\n') + 4);
  let body = '';
  for (let at = 0; ;) {
    const end = coded.indexOf('\r\n', at);
    const length = Number.parseInt(coded.slice(at, end), 16);
    if (end === -1 || Number.isNaN(length)) return { body, isWhole: false };
    if (length === 0) return { body, isWhole: true };
    body += coded.slice(end + 2, end + 2 + length);
    at = end + 2 + length + 2;
  }
}

describe('an event stream that its instance cuts', () => {
  it.concurrent.each([
    ['between two events', event(1)],
    ['within an event', `${event(1)}id: 2\ndata: ev`],
    ['within an id', `${event(1)}id: 2`],
    ['within an empty line', `${event(1)}id: 2\r\ndata: x\r\n\r`.slice(0, -1)],
  ])('goes on in the same response: %s', async (_where, text) => {
    await using instances = await Instances.start([cutBehind(text), goOn(2)]);
    await using gateway = await startFor(instances);
    await using client = await open(gateway, '/v1/ticks');

    const ended = await client.ended();

    expect(readChunks(ended.text)).toEqual({ body: event(1) + event(2) + event(3), isWhole: true });
    expect(ended.statuses).toEqual([200]);
    expect(instances.lastEventIds).toEqual([undefined, '1']);
    expect(await gateway.logged({ path: '/v1/ticks' })).toMatchObject({ status: 200, attempts: 2 });
  });

  it.concurrent('goes on at the same instance once it is back', async () => {
    const { promise: cut, resolve } = Promise.withResolvers<void>();
    const first = await startService((_request, response) => {
      response.writeHead(200, EVENT_STREAM).write(event(1), () => {
        response.req.socket.resetAndDestroy();
        first.server.close();
        resolve();
      });
    });
    await using gateway = await startFor({ urls: first.url });
    await using client = await open(gateway, '/v1/ticks');
    await cut;
    await first[Symbol.asyncDispose]();
    await using second = await startService(goOnListener, { port: first.port });

    const { text } = await client.ended();

    expect(second.accepted()).toBe(1);
    expect(readChunks(text)).toEqual({ body: event(1) + event(2) + event(3), isWhole: true });
  });

  it.concurrent('goes on behind the id of its request, before it has one of its own', async () => {
    await using instances = await Instances.start([cutBehind(': hello\n\n'), goOn(42)]);
    await using gateway = await startFor(instances);
    await using client = await open(gateway, '/v1/ticks', { 'Last-Event-ID': '41' });

    const { text } = await client.ended();

    expect(readChunks(text).body).toBe(`: hello\n\n${event(42)}${event(43)}`);
    expect(instances.lastEventIds).toEqual(['41', '41']);
  });

  it.concurrent('goes on after many cuts', async () => {
    const cuts = Array.from({ length: 5 }, (_, index) => cutBehind(event(index + 1)));
    await using instances = await Instances.start([...cuts, goOn(6)]);
    await using gateway = await startFor(instances);
    await using client = await open(gateway, '/v1/ticks');

    const { text } = await client.ended();

    expect(readChunks(text).body).toBe([1, 2, 3, 4, 5, 6, 7].map(event).join(''));
  });

  it.concurrent.each([
    ['an error', (response: ServerResponse) => void response.writeHead(410).end('gone')],
    ['nothing more', (response: ServerResponse) => void response.writeHead(204).end()],
    [
      'encoded events',
      (response: ServerResponse) =>
        void response.writeHead(200, { ...EVENT_STREAM, 'Content-Encoding': 'gzip' }).end(event(2)),
    ],
  ])('ends behind a whole event if the next instance has %s', async (_what, turn) => {
    await using instances = await Instances.start([cutBehind(`${event(1)}data: ha`), turn]);
    await using gateway = await startFor(instances);
    await using client = await open(gateway, '/v1/ticks');

    const { text, reset } = await client.ended();

    expect(readChunks(text)).toEqual({ body: event(1), isWhole: true });
    expect(reset).toBe(false);
    expect(await gateway.logged({ path: '/v1/ticks' })).toMatchObject({
      error_code: 'UPSTREAM_DISCONNECTED',
    });
  });

  it.concurrent.each([
    ['its route does not say so', '/v1/plain', cutBehind(event(1))],
    ['its events are encoded', '/v1/ticks', cutBehind(event(1), { 'Content-Encoding': 'gzip' })],
    ['its last event has no id', '/v1/ticks', cutBehind(`${event(1)}data: ping\n\n`)],
    ['it is within a long event', '/v1/ticks', cutBehind(`${event(1)}id: 2\ndata: ${'x'.repeat(70_000)}`)],
  ])('is broken off if %s', async (_why, path, turn) => {
    await using instances = await Instances.start([turn, goOn(2)]);
    await using gateway = await startFor(instances);
    await using client = await open(gateway, path);

    const { text } = await client.ended();

    expect(readChunks(text).isWhole).toBe(false);
    expect(instances.lastEventIds).toHaveLength(1);
  });
});

const goOnListener = (request: IncomingMessage, response: ServerResponse): void => {
  goOn(Number(request.headers['last-event-id']) + 1)(response, request);
};

describe('an event stream that waits for an instance', () => {
  const unavailable: Turn = (response) => void response.writeHead(503).end();
  const waiting = (): Promise<Instances> => Instances.start([cutBehind(`${event(1)}data: h`), unavailable]);

  it.concurrent('is given up when its client leaves', async () => {
    await using instances = await waiting();
    await using gateway = await startFor(instances);
    await using client = await open(gateway, '/v1/ticks');
    await client.until(/event 1/);
    while (instances.lastEventIds.length < 3) await new Promise(setImmediate);

    // Its FIN alone would say that it sends no more.
    client.socket.resetAndDestroy();
    await gateway.logged({ path: '/v1/ticks', error_code: 'CLIENT_GONE' });
    const asked = instances.lastEventIds.length;
    // Another stream makes tries meanwhile.
    await using other = await open(gateway, '/v1/ticks');
    while (instances.lastEventIds.length < asked + 1) await new Promise(setImmediate);

    expect((await other.until(/503/)).startsWith('HTTP/1.1 503')).toBe(true);
    // Two attempts of the other: its first, and a retry.
    expect(instances.lastEventIds.length).toBeLessThanOrEqual(asked + 3);
  });

  it.concurrent.each(['expires', 'is revoked'])('ends whole when its token %s', async (how) => {
    await using instances = await waiting();
    await using logout = await startService((_request, response) => response.end('{}'));
    await using gateway = await startFor(instances, { AUTH_SERVICE_URL: logout.url });
    const claims = accessClaims(how === 'expires' ? { exp: Math.floor(Date.now() / 1000) + 3 } : {});
    const headers = { Authorization: `Bearer ${signToken(claims)}` };
    await using client = await open(gateway, '/v1/private', headers);
    await client.until(/event 1/);

    if (how !== 'expires') await fetch(`${gateway.url}/v1/auth/logout`, { method: 'POST', headers });
    const { text } = await client.ended();

    expect(readChunks(text)).toEqual({ body: event(1), isWhole: true });
    const code = how === 'expires' ? 'SESSION_EXPIRED' : 'SESSION_REVOKED';
    await gateway.logged({ path: '/v1/private', error_code: code });
  });
});

it('may be resumed by a route for all methods', async () => {
  const routes = [{ methods: ['*'], path: '/v1/ticks', eventStream: { resume: true } }] as const;
  await using gateway = await startGateway({ modules: [moduleOf(routes)] });
  expect((await fetch(`${gateway.url}/v1/ticks`)).status).toBe(401);
});

it('cannot be resumed by another method than GET', async () => {
  const routes = [{ methods: ['POST'], path: '/v1/ticks', eventStream: { resume: true } }] as const;
  await expect(startGateway({ modules: [moduleOf(routes)] })).rejects.toThrow(
    new RouteConfigurationError(
      'POST /v1/ticks (ticker-service) has eventStream.resume, which is for GET alone',
    ),
  );
});
