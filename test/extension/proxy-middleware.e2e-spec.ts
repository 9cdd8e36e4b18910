import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { loadSettings } from '@app/gateway/internal';
import {
  InjectProxy,
  ProxyModule,
  Upstream,
  UpstreamRegistry,
  type ProxyHandlerOptions,
} from '@app/proxy/internal';
import {
  All,
  Controller,
  Module,
  Next,
  Req,
  Res,
  type MiddlewareConsumer,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { RequestHandler } from 'http-proxy-middleware';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { JWT_SECRET, startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRawService, startService, type PlayedService } from '../support/service.js';

const NOWHERE = 'http://127.0.0.1:9';
const ADDRESSES = [NOWHERE];

/** A team's module: an upstream with a route, its proxy mounted at `/legacy`, and called from a controller. */
function moduleOf(options: ProxyHandlerOptions): Type {
  @Upstream({
    name: 'billing-service',
    instances: ADDRESSES,
    routes: [{ methods: ['GET', 'POST'], path: '/v1/plans', auth: 'none' }],
    proxy: options,
  })
  class BillingUpstream {}

  @Upstream({ name: 'archive-service', instances: ADDRESSES, routes: [] })
  class ArchiveUpstream {}

  @Controller('reports')
  class ReportsController {
    constructor(@InjectProxy('billing-service') private readonly proxy: RequestHandler) {}

    @All()
    async read(
      @Req() request: IncomingMessage,
      @Res() response: ServerResponse,
      @Next() next: (error?: unknown) => void,
    ): Promise<void> {
      request.url = '/from-controller';
      await this.proxy(request, response, next);
    }

    @All('plain')
    async readPlain(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
      request.url = '/from-controller';
      await this.proxy(request, response);
    }

    @All('late')
    async readLate(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
      for await (const _chunk of request);
      await this.proxy(request, response);
    }
  }

  @Module({
    imports: [ProxyModule.forFeature('billing-service')],
    controllers: [ReportsController],
    providers: [BillingUpstream, ArchiveUpstream],
  })
  class BillingModule implements NestModule {
    constructor(@InjectProxy('billing-service') private readonly proxy: RequestHandler) {}

    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(this.proxy).forRoutes('/legacy');
    }
  }
  return BillingModule;
}

const startWith = (
  url: string,
  proxy: ProxyHandlerOptions = {},
  env: Readonly<Record<string, string>> = {},
): Promise<RunningGateway> =>
  startGateway({ modules: [moduleOf(proxy)], env: { BILLING_SERVICE_URL: url, ...env } });

const startEcho = (name: string): Promise<PlayedService> =>
  startService((request, response) => {
    response.setHeader('X-Service', 'secret');
    response.end([name, request.method, request.url, request.headers['x-added']].join(' ').trim());
  });

const textOf = async (url: string, init?: RequestInit): Promise<string> => (await fetch(url, init)).text();

describe('the proxy of an upstream', () => {
  it('is mounted by a team, with the filter and the rewriting of its documentation', async () => {
    await using service = await startEcho('billing');
    await using gateway = await startWith(service.url, {
      // Paths are relative to the mount point, as http-proxy-middleware documents it.
      pathFilter: (path) => !path.startsWith('/private'),
      pathRewrite: { '^/plans': '/v2/plans' },
    });

    expect(await textOf(`${gateway.url}/legacy/plans?all`)).toBe('billing GET /v2/plans?all');
    const upload = await textOf(`${gateway.url}/legacy/plans`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(upload).toBe('billing POST /v2/plans');
    expect((await fetch(`${gateway.url}/legacy/private`)).status).toBe(404);
    expect(await gateway.logged({ path: '/legacy/plans', method: 'POST' })).toMatchObject({
      status: 200,
      upstream: 'billing-service',
      request_bytes: 100_000,
    });
  });

  it('is called from a controller', async () => {
    await using service = await startEcho('billing');
    await using gateway = await startWith(service.url);

    expect(await textOf(`${gateway.url}/reports`)).toBe('billing GET /from-controller');
  });

  it('passes failures on as the errors of the gateway', async () => {
    await using gateway = await startWith(NOWHERE);

    for (const path of ['/legacy', '/reports', '/reports/plain']) {
      const response = await fetch(`${gateway.url}${path}`);
      expect([path, response.status]).toEqual([path, 502]);
      expect(await response.json()).toMatchObject({
        error: 'Service unavailable',
        service: 'billing-service',
      });
    }
  });

  it('retries at another instance, and breaks its circuit', async () => {
    await using service = await startEcho('billing');
    await using gateway = await startWith(`${NOWHERE},${service.url}`);

    const texts = await Promise.all(Array.from({ length: 10 }, () => textOf(`${gateway.url}/reports`)));

    expect(new Set(texts)).toEqual(new Set(['billing GET /from-controller']));
  });

  it.each([
    ['agent', { agent: false }, 'UPSTREAM_MAX_CONNECTIONS'],
    ['target', { target: NOWHERE }, '`instances`'],
    ['ws', { ws: true }, '`websocket`'],
    ['changeOrigin', { changeOrigin: true }, 'Host'],
    ['selfHandleResponse', { selfHandleResponse: true }, 'a controller'],
    ['nonsense', { nonsense: 1 }, 'nonsense'],
    ['on.open', { on: { open: () => {} } }, 'a proxy listener of open'],
  ])('has no option %s, and the boot names what the gateway has instead', async (_name, options, hint) => {
    await expect(startWith(NOWHERE, options as ProxyHandlerOptions)).rejects.toThrow(
      expect.objectContaining({ name: 'ProxyConfigurationError', message: expect.stringContaining(hint) }),
    );
  });
});

describe('the router of an upstream', () => {
  it('chooses an instance by its origin, or another upstream by its name', async () => {
    await using one = await startEcho('one');
    await using other = await startEcho('other');
    await using archive = await startEcho('archive');
    const choices: Record<string, string | undefined> = {
      one: one.url,
      other: other.url,
      archive: 'archive-service',
      none: undefined,
    };
    const router = ({ headers }: IncomingMessage): string | undefined => choices[String(headers['x-choice'])];
    await using gateway = await startWith(
      `${one.url},${other.url}`,
      { router },
      { ARCHIVE_SERVICE_URL: archive.url },
    );
    const ask = (choice: string): Promise<string> =>
      textOf(`${gateway.url}/reports`, { headers: { 'X-Choice': choice } });

    for (let round = 0; round < 5; round++) {
      for (const choice of ['one', 'other', 'archive']) {
        expect(await ask(choice)).toBe(`${choice} GET /from-controller`);
      }
    }
    expect(await ask('none')).toMatch(/^(?:one|other) GET /);
  });

  it('gives 502 and a log line for any other choice, and asks nobody', async () => {
    await using service = await startEcho('billing');
    await using stranger = await startEcho('stranger');
    await using gateway = await startWith(service.url, { router: () => Promise.resolve(stranger.url) });

    const response = await fetch(`${gateway.url}/reports`);

    expect(response.status).toBe(502);
    expect(await gateway.logged({ error_code: 'UPSTREAM_ROUTER' })).toMatchObject({
      cause: `the router chose ${stranger.url}`,
    });
    expect([service.accepted(), stranger.accepted()]).toEqual([0, 0]);
  });
});

describe('the events of the proxy', () => {
  const ROUTES = ['/v1/plans', '/reports'];

  it.each(ROUTES)('change the headers of requests and responses: %s', async (path) => {
    await using service = await startEcho('billing');
    await using gateway = await startWith(service.url, {
      on: {
        proxyReq: (request) => {
          expect(request.getHeader('x-request-id')).toEqual(expect.any(String));
          request.setHeader('X-Added', request.hasHeader('X-Drop') ? 'both' : 'one');
          request.removeHeader('X-Drop');
        },
        proxyRes: (response) => {
          delete response.headers['x-service'];
          response.headers['x-more'] = 'more';
          response.statusCode = 203;
        },
      },
    });

    const response = await fetch(`${gateway.url}${path}`, { headers: { 'X-Drop': '1' } });

    expect(response.status).toBe(203);
    expect(response.headers.get('x-service')).toBeNull();
    expect(response.headers.get('x-more')).toBe('more');
    expect(await response.text()).toMatch(/ both$/);
  });

  it.each(ROUTES)('let a listener of a plugin respond to a failure: %s', async (path) => {
    await using gateway = await startWith(NOWHERE, {
      plugins: [
        (server) => {
          server.on('error', (error, _request, response) => {
            (response as ServerResponse).writeHead(418).end(error.name);
          });
        },
      ],
    });

    const response = await fetch(`${gateway.url}${path}`);

    expect([response.status, await response.text()]).toEqual([418, 'UpstreamUnreachableException']);
    await gateway.logged({ error_code: 'UPSTREAM_UNREACHABLE' });
  });

  it.each([
    ['proxyReq', '/v1/plans'],
    ['proxyReq', '/reports'],
    ['proxyRes', '/v1/plans'],
    ['proxyRes', '/reports'],
  ])('whose listener of %s throws are one 500 and a log line: %s', async (event, path) => {
    await using service = await startEcho('billing');
    const fail = (): never => {
      throw new Error('a fault of the team');
    };
    await using gateway = await startWith(service.url, { on: { [event]: fail } });

    const response = await fetch(`${gateway.url}${path}`, { method: 'POST', body: 'x' });

    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: 'Internal server error' });
    await gateway.logged({ message: 'proxy listener failed', event });
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  it('whose listener rejects are logged, and the process lives', async () => {
    await using service = await startEcho('billing');
    await using gateway = await startWith(service.url, {
      on: { proxyRes: () => Promise.reject(new Error('later')) },
    });

    expect((await fetch(`${gateway.url}/v1/plans`)).status).toBe(200);
    await gateway.logged({ message: 'proxy listener failed', event: 'proxyRes' });
  });

  it.each(['Content-Length', 'transfer-encoding', 'Connection'])(
    'cannot change %s, which frames the message',
    async (name) => {
      await using service = await startEcho('billing');
      await using gateway = await startWith(service.url, {
        on: { proxyReq: (request) => void request.setHeader(name, '1') },
      });

      expect((await fetch(`${gateway.url}/v1/plans`)).status).toBe(500);
      expect(service.accepted()).toBe(0);
    },
  );

  it('cannot smuggle a line into a header', async () => {
    await using service = await startEcho('billing');
    await using gateway = await startWith(service.url, {
      on: { proxyReq: (request) => void request.setHeader('X-A', 'b\r\nX-User-Id: eve') },
    });

    expect((await fetch(`${gateway.url}/v1/plans`)).status).toBe(500);
    expect(service.accepted()).toBe(0);
  });
});

describe("a team's own code beside the proxy", () => {
  const ROUTES = ['/v1/plans', '/reports/plain'];

  it.each(ROUTES)('responds in place of the service before it is asked: %s', async (path) => {
    await using service = await startEcho('billing');
    await using gateway = await startWith(service.url, {
      on: { proxyReq: (_proxied, _request, response) => void response.writeHead(403).end('own') },
    });

    const response = await fetch(`${gateway.url}${path}`);

    expect([response.status, await response.text()]).toEqual([403, 'own']);
    expect(service.accepted()).toBe(0);
  });

  it.each(ROUTES)('responds in place of the response of the service: %s', async (path) => {
    await using service = await startService((_request, response) => response.end('x'.repeat(1_000_000)));
    await using gateway = await startWith(service.url, {
      on: { proxyRes: (_proxied, _request, response) => void response.writeHead(418).end('own') },
    });

    for (let round = 0; round < 3; round++) {
      const response = await fetch(`${gateway.url}${path}`);
      expect([response.status, await response.text()]).toEqual([418, 'own']);
    }
  });

  it.each(ROUTES)('responds while the service is asked, which is left: %s', async (path) => {
    const asked = Promise.withResolvers<IncomingMessage>();
    await using service = await startService((request) => asked.resolve(request));
    await using gateway = await startWith(service.url, {
      on: {
        proxyReq: (_proxied, _request, response) =>
          void asked.promise.then(() => response.writeHead(504).end('own')),
      },
    });

    const response = await fetch(`${gateway.url}${path}`);
    const { socket } = await asked.promise;

    expect([response.status, await response.text()]).toEqual([504, 'own']);
    if (!socket.destroyed) await once(socket, 'close');
  });

  it('sends nothing for a client that has left meanwhile', async () => {
    const isRouting = Promise.withResolvers<void>();
    const hasLeft = Promise.withResolvers<void>();
    await using service = await startEcho('billing');
    await using gateway = await startWith(service.url, {
      router: async () => {
        isRouting.resolve();
        await hasLeft.promise;
        return undefined;
      },
    });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('POST /reports', { headers: { 'Content-Length': 1 }, body: 'x' }));
    await isRouting.promise;

    client.socket.resetAndDestroy();
    await gateway.logged({ status: 499 });
    hasLeft.resolve();

    // The next request shows that the first was not sent: it has the first connection.
    expect(await textOf(`${gateway.url}/v1/plans`)).toBe('billing GET /v1/plans');
    expect(service.accepted()).toBe(1);
  });

  it.each(ROUTES)('hears of a failure once, and may reject: %s', async (path) => {
    let calls = 0;
    await using gateway = await startWith(NOWHERE, {
      on: {
        error: () => {
          calls++;
          return Promise.reject(new Error('later')) as unknown as void;
        },
      },
    });

    const response = await fetch(`${gateway.url}${path}`);

    expect([response.status, calls]).toEqual([502, 1]);
    await gateway.logged({ message: 'proxy listener failed', event: 'error' });
  });

  it('cannot give a response without a body the status of one with a body', async () => {
    await using service = await startRawService((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n')),
    );
    await using gateway = await startWith(service.url, {
      on: { proxyRes: (response) => void (response.statusCode = 200) },
    });

    expect((await fetch(`${gateway.url}/v1/plans`)).status).toBe(500);
  });

  it('must not have read the body', async () => {
    await using service = await startEcho('billing');
    await using gateway = await startWith(service.url);

    const response = await fetch(`${gateway.url}/reports/late`, { method: 'POST', body: 'read' });

    expect(response.status).toBe(500);
    expect(service.accepted()).toBe(0);
  });

  it('gets no WebSocket by the upgrade of the proxy', async () => {
    await using gateway = await startWith(NOWHERE);
    const { upgrade } = gateway.app.get(UpstreamRegistry).handlerOf('billing-service');
    await using server = await startRawService((socket) =>
      upgrade({} as IncomingMessage, socket, Buffer.alloc(0)),
    );

    expect((await exchangeRaw(server.port, 'x')).statuses).toEqual([501]);
  });
});

describe('an application with the proxy alone', () => {
  it('mounts it, without the gateway around it', async () => {
    await using service = await startRawService((socket) => {
      socket.on('data', (bytes: Buffer) => {
        const [line] = bytes.toString('latin1').split('\r\n');
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${line!.length}\r\n\r\n${line}`);
      });
    });
    const { proxy } = loadSettings({
      JWT_SECRET,
      BILLING_SERVICE_URL: service.url,
      HEALTH_CHECK_INTERVAL_MS: '0',
    });
    @Module({
      imports: [
        ProxyModule.forRoot({ ...proxy, gates: [], controllerRoutes: [], addressSettingFor: (name) => name }),
        moduleOf({}),
      ],
    })
    class PlainModule {}
    const app = await NestFactory.create(PlainModule, { bodyParser: false, logger: false });
    await app.listen(0, '127.0.0.1');
    try {
      const { port } = app.getHttpServer().address() as AddressInfo;
      expect(await textOf(`http://127.0.0.1:${port}/reports`)).toBe('GET /from-controller HTTP/1.1');
      const response = await fetch(`http://127.0.0.1:${port}/legacy/a?b`);
      expect([response.status, await response.text()]).toEqual([
        200,
        expect.stringMatching(/a\?b HTTP\/1\.1$/),
      ]);
    } finally {
      const closed = once(app.getHttpServer(), 'close');
      await app.close();
      await closed;
    }
  });
});
