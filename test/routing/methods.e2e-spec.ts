import { METHODS } from 'node:http';
import { Upstream, type CorsOptions, type HttpMethod, type RouteOptions } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { ask } from '../support/ask.js';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startRecordingService, valuesOf, type RecordingService } from '../support/recording-service.js';
import { bodyOf, startService } from '../support/service.js';

const PATH = '/v1/dav/:name';
const FILE = '/v1/dav/a';

function moduleOf(routes: readonly RouteOptions[], cors: CorsOptions): Type {
  @Upstream({
    name: 'dav-service',
    instances: ['http://127.0.0.1:9'],
    routes,
    cors,
  })
  class DavUpstream {}
  @Module({ providers: [DavUpstream] })
  class DavModule {}
  return DavModule;
}

interface Dav {
  readonly methods: RouteOptions['methods'];
  readonly url?: string;
  readonly cors?: CorsOptions;
}

/** The gateway with one route of these methods. */
function startDav({ methods, url = 'http://127.0.0.1:9', cors = {} }: Dav): Promise<RunningGateway> {
  return startGateway({
    modules: [moduleOf([{ methods, path: PATH }], cors)],
    env: { DAV_SERVICE_URL: url, MAX_RETRIES: '2' },
  });
}

/** All methods that a route of `*` takes. */
const ALL = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE');

/** A request without a body: Node's own client would add `Transfer-Encoding` to some methods. */
const bare = (method: string): string =>
  `${method} ${FILE} HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer().Authorization}\r\nConnection: close\r\n\r\n`;

const linesOf = ({ requests }: RecordingService): string[] => requests.map(({ line }) => line);

describe('a route of all methods', () => {
  it('takes every method of Node but CONNECT and TRACE, and sends it on unchanged', async () => {
    await using service = await startRecordingService();
    await using gateway = await startDav({ methods: ['*'], url: service.url });

    for (const method of ALL) {
      const { statuses } = await exchangeRaw(gateway.port, bare(method));
      expect([method, statuses]).toEqual([method, [200]]);
    }

    expect(linesOf(service)).toEqual(ALL.map((method) => `${method} ${FILE} HTTP/1.1`));
    const withLength = service.requests.filter((request) => valuesOf(request, 'content-length').length > 0);
    expect(withLength.map(({ line }) => line.split(' ')[0])).toEqual(['PATCH', 'POST', 'PUT']);
  });

  it('refuses TRACE with 405 and CONNECT with 501', async () => {
    await using service = await startRecordingService();
    await using gateway = await startDav({ methods: ['*'], url: service.url });

    const traced = await exchangeRaw(gateway.port, bare('TRACE'));
    const connected = await exchangeRaw(gateway.port, bare('CONNECT'));

    expect([traced.statuses, connected.statuses]).toEqual([[405], [501]]);
    expect(/^Allow: (.*)\r$/m.exec(traced.text)![1]!.split(', ').toSorted()).toEqual(ALL.toSorted());
    expect(service.accepted()).toBe(0);
  });

  it('takes TRACE too if the route names it', async () => {
    await using service = await startRecordingService();
    await using gateway = await startDav({ methods: ['*', 'TRACE'], url: service.url });

    expect((await exchangeRaw(gateway.port, bare('TRACE'))).statuses).toEqual([200]);
    expect(linesOf(service)).toEqual([`TRACE ${FILE} HTTP/1.1`]);
  });

  it('needs a token for each of them', async () => {
    await using gateway = await startDav({ methods: ['*'] });

    for (const method of ['PROPFIND', 'MKCOL', 'M-SEARCH', 'QUERY']) {
      expect([method, (await ask(gateway, { method, path: FILE })).status]).toEqual([method, 401]);
    }
  });
});

describe('a route that names methods', () => {
  it('takes those alone; any other is 405 with Allow', async () => {
    await using service = await startRecordingService();
    await using gateway = await startDav({ methods: ['PROPFIND', 'GET', 'M-SEARCH'], url: service.url });

    for (const method of ALL) {
      const { statuses, text } = await exchangeRaw(gateway.port, bare(method));
      const isTaken = ['PROPFIND', 'GET', 'HEAD', 'M-SEARCH'].includes(method);
      expect([method, statuses]).toEqual([method, [isTaken ? 200 : 405]]);
      if (!isTaken) expect(text).toMatch(/^Allow: PROPFIND, GET, M-SEARCH, HEAD\r$/m);
    }
    expect(service.requests).toHaveLength(4);
  });

  it.each(['BREW', 'get', 'CONNECT', 'PLAY'])('stops the boot if it names %s', async (method) => {
    await expect(startDav({ methods: [method as HttpMethod] })).rejects.toThrow(
      `${method} ${PATH} (dav-service) names ${method}`,
    );
  });
});

describe('the body of a request', () => {
  it.each(['PROPFIND', 'REPORT', 'SEARCH', 'QUERY', 'DELETE', 'LOCK', 'GET', 'OPTIONS', 'MKCOL'])(
    'reaches the service with %s, with a length and in chunks',
    async (method) => {
      await using service = await startService(async (request, response) => {
        response.end(`${request.method} ${await bodyOf(request)}`);
      });
      await using gateway = await startDav({ methods: ['*'], url: service.url });
      const body = '<propfind/>';

      const sized = await ask(gateway, {
        method,
        path: FILE,
        headers: { ...bearer(), 'Content-Length': String(body.length) },
        body,
      });
      const chunked = await ask(gateway, {
        method,
        path: FILE,
        headers: { ...bearer(), 'Transfer-Encoding': 'chunked' },
        body,
      });
      const large = 'x'.repeat(100_000);
      const streamed = await ask(gateway, {
        method,
        path: FILE,
        headers: { ...bearer(), 'Content-Length': String(large.length) },
        body: large,
      });

      expect([sized.body, chunked.body]).toEqual([`${method} ${body}`, `${method} ${body}`]);
      expect(streamed.body).toBe(`${method} ${large}`);
    },
  );
});

describe('a request whose instance breaks the connection', () => {
  it('is sent again with GET, HEAD and OPTIONS alone, though other methods are safe too', async () => {
    const seen: string[] = [];
    const breakOff = (): ReturnType<typeof startService> =>
      startService((request) => {
        seen.push(request.method!);
        request.socket.resetAndDestroy();
      });
    await using one = await breakOff();
    await using other = await breakOff();
    await using gateway = await startDav({ methods: ['*'], url: `${one.url},${other.url}` });

    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      seen.length = 0;
      await exchangeRaw(gateway.port, bare(method));
      expect([...new Set(seen), seen.length > 1]).toEqual([method, true]);
    }
    for (const method of [
      'PROPFIND',
      'REPORT',
      'SEARCH',
      'QUERY',
      'PUT',
      'DELETE',
      'MOVE',
      'LOCK',
      'MKCOL',
    ]) {
      seen.length = 0;
      const { statuses } = await exchangeRaw(gateway.port, bare(method));
      expect([statuses, seen]).toEqual([[502], [method]]);
    }
  });
});

describe('a CORS preflight', () => {
  const preflightOf = async (gateway: RunningGateway, method: string): Promise<unknown> => {
    const { status, headers } = await ask(gateway, {
      method: 'OPTIONS',
      path: FILE,
      headers: { Origin: 'http://localhost:3000', 'Access-Control-Request-Method': method },
    });
    return [status, headers['access-control-allow-methods']];
  };

  it("lists the methods of the upstream's options, for whatever method of the route it asks", async () => {
    const allowedMethods = ['PROPFIND', 'M-SEARCH', 'MKCOL'];
    await using gateway = await startDav({ methods: ['*'], cors: { allowedMethods } });

    for (const method of ['PROPFIND', 'M-SEARCH', 'LOCK']) {
      expect(await preflightOf(gateway, method)).toEqual([204, 'PROPFIND, M-SEARCH, MKCOL']);
    }
  });

  it.each(['CONNECT', 'TRACE', 'propfind', 'M-', '*'])('cannot list %s', async (method) => {
    await expect(startDav({ methods: ['*'], cors: { allowedMethods: [method] } })).rejects.toThrow(
      `dav-service has a method "${method}" in its cors`,
    );
  });
});

describe('what is said of methods', () => {
  it('in the OpenAPI document: those that OpenAPI 3 knows', async () => {
    await using some = await startDav({ methods: ['*'] });
    await using none = await startDav({ methods: ['PROPFIND', 'MKCOL'] });
    const pathOf = async (gateway: RunningGateway): Promise<object | undefined> => {
      const { paths } = JSON.parse((await ask(gateway, { path: '/swagger' })).body) as {
        readonly paths: Record<string, object>;
      };
      return paths['/v1/dav/{name}'];
    };

    expect(Object.keys((await pathOf(some))!).toSorted()).toEqual(
      ['delete', 'get', 'options', 'parameters', 'patch', 'post', 'put'].toSorted(),
    );
    expect(await pathOf(none)).toBeUndefined();
  });

  it('in metrics: those of the route on its path, OTHER elsewhere', async () => {
    await using service = await startService((_request, response) => response.end());
    await using gateway = await startDav({ methods: ['PROPFIND'], url: service.url });
    for (const [method, path] of [
      ['PROPFIND', FILE],
      ['MKCOL', FILE],
      ['PROPFIND', '/nowhere'],
    ]) {
      await ask(gateway, { method: method!, path: path!, headers: bearer() });
    }

    const text = await metricsOf(gateway);

    const counted = (method: string, endpoint: string, status: number): string =>
      `http_requests_total{method="${method}",endpoint="${endpoint}",status="${status}",service="api-gateway"} 1`;
    expect(text).toContain(counted('PROPFIND', PATH, 200));
    expect(text).toContain(counted('OTHER', PATH, 405));
    expect(text).toContain(counted('OTHER', 'unmatched', 404));
    expect(text).not.toContain('MKCOL');
  });
});
