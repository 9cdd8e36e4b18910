import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Upstream, type RouteOptions } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { WebSocketServer } from 'ws';
import { ask } from '../support/ask.js';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { bodyOf, startService } from '../support/service.js';
import { echo, openSocket, rawHandshake, startSocketService } from '../support/websocket.js';

const PATH = '/v1/engine';

function moduleOf(name: string, routes: readonly RouteOptions[]): Type {
  @Upstream({ name, instances: ['http://127.0.0.1:9'], routes })
  class SharedUpstream {}
  @Module({ providers: [SharedUpstream] })
  class SharedModule {}
  return SharedModule;
}

/** The gateway with these routes of one service. */
function startShared(url: string, ...routes: RouteOptions[]): Promise<RunningGateway> {
  return startGateway({
    modules: [moduleOf('shared-service', routes)],
    env: { SHARED_SERVICE_URL: url },
  });
}

/** A service with plain requests and WebSockets on every path, as engine.io has them. */
async function startBoth(): Promise<{ readonly url: string; readonly server: Server } & AsyncDisposable> {
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) =>
      response.end(`${request.method} ${request.url} ${request.headers.upgrade ?? '-'} ${body}`),
    );
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, { url }) => {
    socket.send(`open ${url}`);
    socket.on('message', (data: Buffer) => socket.send(data.toString().replace('2probe', '3probe')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const BOTH: readonly (readonly [string, readonly RouteOptions[]])[] = [
  ['one route', [{ methods: ['GET', 'POST'], path: PATH, websocket: {} }]],
  ['one route with all methods', [{ methods: ['*'], path: PATH, websocket: {} }]],
  [
    'two routes',
    [
      { methods: ['GET', 'POST'], path: PATH },
      { methods: ['GET'], path: PATH, websocket: {} },
    ],
  ],
  [
    'two routes, the WebSocket first',
    [
      { methods: ['GET'], path: PATH, websocket: {} },
      { methods: ['GET', 'POST'], path: PATH },
    ],
  ],
];

describe.each(BOTH)('plain requests and a WebSocket on one path, by %s', (_name, routes) => {
  it('go where they ask to: polling first, then the upgrade', async () => {
    await using service = await startBoth();
    await using gateway = await startShared(service.url, ...routes);
    const headers = bearer();
    const path = (transport: string): string => `${PATH}?EIO=4&transport=${transport}&sid=1`;

    const opened = await ask(gateway, { path: path('polling'), headers });
    const posted = await ask(gateway, { method: 'POST', path: path('polling'), headers, body: '40' });
    const head = await ask(gateway, { method: 'HEAD', path: path('polling'), headers });
    await using socket = await openSocket(gateway, path('websocket'));
    socket.send('2probe');

    expect(opened).toMatchObject({ status: 200, body: `GET ${path('polling')} - ` });
    expect(posted).toMatchObject({ status: 200, body: `POST ${path('polling')} - 40` });
    expect(head.status).toBe(200);
    expect(await socket.received(2)).toEqual([`open ${path('websocket')}`, '3probe']);
  });

  it('ask for a token both', async () => {
    await using service = await startBoth();
    await using gateway = await startShared(service.url, ...routes);

    expect((await ask(gateway, { path: PATH })).status).toBe(401);
    await expect(openSocket(gateway, PATH, { headers: {} })).rejects.toThrow('refused with 401');
  });

  it('take another Upgrade for a plain request, and a handshake that is no GET too', async () => {
    await using service = await startBoth();
    await using gateway = await startShared(service.url, ...routes);

    const other = await exchangeRaw(
      gateway.port,
      rawHandshake(PATH, { Upgrade: 'h2c', Connection: 'Upgrade, close' }),
    );
    const posted = await exchangeRaw(
      gateway.port,
      rawHandshake(PATH, { Connection: 'Upgrade, close', 'Content-Length': '0' }).replace('GET', 'POST'),
    );
    const faulty = await exchangeRaw(
      gateway.port,
      rawHandshake(PATH, { Connection: 'Upgrade, close', 'Sec-WebSocket-Key': 'short' }),
    );

    expect([other.statuses, other.text]).toEqual([[200], expect.stringContaining(`GET ${PATH} - `)]);
    expect([posted.statuses, posted.text]).toEqual([[200], expect.stringContaining(`POST ${PATH} - `)]);
    expect(faulty.statuses).toEqual([400]);
  });

  it('take a handshake behind a pending request for a plain request', async () => {
    await using service = await startBoth();
    await using gateway = await startShared(service.url, ...routes);
    await using client = await RawClient.connect(gateway.port);

    client.write(
      `GET ${PATH}?first HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer().Authorization}\r\n\r\n` +
        rawHandshake(`${PATH}?second`, { Connection: 'Upgrade, close' }),
    );
    const { statuses, text } = await client.ended();

    expect(statuses).toEqual([200, 200]);
    expect(text).toMatch(/GET \/v1\/engine\?first - [^]*GET \/v1\/engine\?second - /);
  });

  it('are one path in the OpenAPI document', async () => {
    await using gateway = await startShared('http://127.0.0.1:9', ...routes);

    const { paths } = JSON.parse((await ask(gateway, { path: '/swagger' })).body) as {
      readonly paths: Record<string, Record<string, { readonly responses: object }>>;
    };

    expect(Object.keys(paths[PATH]!['get']!.responses)).toEqual(
      expect.arrayContaining(['101', '2XX', '401', '426']),
    );
    expect(paths[PATH]!['post']!.responses).not.toHaveProperty('101');
  });
});

describe('a path of a WebSocket alone', () => {
  it('has 426 for a plain GET, and 405 for another method', async () => {
    await using service = await startBoth();
    await using gateway = await startShared(service.url, { methods: ['GET'], path: PATH, websocket: {} });

    const got = await ask(gateway, { path: PATH, headers: bearer() });
    const posted = await ask(gateway, { method: 'POST', path: PATH, headers: bearer() });

    expect([got.status, posted.status, posted.headers.allow]).toEqual([426, 405, 'GET']);
  });

  it('has it too beside a route with POST', async () => {
    await using service = await startBoth();
    await using gateway = await startShared(
      service.url,
      { methods: ['GET'], path: PATH, websocket: {} },
      { methods: ['POST'], path: PATH },
    );

    const got = await ask(gateway, { path: PATH, headers: bearer() });
    const posted = await ask(gateway, { method: 'POST', path: PATH, headers: bearer(), body: 'a' });

    expect([got.status, posted.body]).toEqual([426, `POST ${PATH} - a`]);
  });
});

describe('a WebSocket of another upstream than the plain requests of its path', () => {
  it('goes to its own, with the options of its own route', async () => {
    await using plain = await startService((_request, response) => response.end('plain'));
    await using sockets = await startSocketService(echo);
    await using gateway = await startGateway({
      modules: [
        moduleOf('plain-service', [{ methods: ['GET'], path: PATH, auth: 'none' }]),
        moduleOf('socket-service', [{ methods: ['GET'], path: PATH, websocket: {} }]),
      ],
      env: { PLAIN_SERVICE_URL: plain.url, SOCKET_SERVICE_URL: sockets.url },
    });

    expect((await ask(gateway, { path: PATH })).body).toBe('plain');
    await expect(openSocket(gateway, PATH, { headers: {} })).rejects.toThrow('refused with 401');
    await using socket = await openSocket(gateway, PATH);
    socket.send('a');
    expect(await socket.received(1)).toEqual(['a']);
  });

  it('is an error at boot beside a second one', async () => {
    await expect(
      startShared(
        'http://127.0.0.1:9',
        { methods: ['GET'], path: PATH, websocket: {} },
        { methods: ['GET', 'POST'], path: PATH, websocket: {} },
      ),
    ).rejects.toThrow(
      `GET,POST ${PATH} (shared-service) repeats WEBSOCKET ${PATH} (shared-service) for the upgrade`,
    );
  });
});
