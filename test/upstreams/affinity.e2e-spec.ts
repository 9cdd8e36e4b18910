import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Upstream, type AffinityOptions, type RouteOptions } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { startGateway, type GatewayOptions } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService } from '../support/service.js';
import { openSocket, startSocketService } from '../support/websocket.js';

const TRUST = { TRUST_PROXY: '1' };
const QUICK = { OUTLIER_CONSECUTIVE_FAILURES: '2', OUTLIER_EJECTION_MS: '200', SLOW_START_MS: '0' };
const COOKIE = /^live-service-affinity=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/;

/** A module with a service whose routes have one affinity. */
function moduleWith(affinity: AffinityOptions, ...routes: readonly RouteOptions[]): Type {
  const instances = ['http://127.0.0.1:9'];
  @Upstream({ name: 'live-service', instances, affinity, routes })
  class LiveUpstream {}
  @Module({ providers: [LiveUpstream] })
  class LiveModule {}
  return LiveModule;
}

const route = (path: string, methods: RouteOptions['methods'] = ['GET', 'POST']): RouteOptions => ({
  path,
  methods,
  auth: 'none',
});

async function startLive(
  services: readonly { readonly url: string }[],
  module: Type,
  env: GatewayOptions['env'] = {},
) {
  const urls = services.map(({ url }) => url).join();
  return startGateway({ modules: [module], env: { LIVE_SERVICE_URL: urls, ...QUICK, ...TRUST, ...env } });
}

/** Names itself in `X-Instance`. */
const named =
  (name: string, listener: RequestListener = (_request, response) => response.end()): RequestListener =>
  (request, response) => {
    response.setHeader('X-Instance', name);
    listener(request, response);
  };

/** The part of Engine.IO that makes socket.io's polling depend on its process: sessions that it alone knows. */
function polling(): RequestListener {
  const sessions = new Set<string>();
  return (request: IncomingMessage, response: ServerResponse) => {
    const sid = new URL(request.url!, 'http://a').searchParams.get('sid');
    if (sid === null) {
      const id = randomUUID();
      sessions.add(id);
      response.end(`0${JSON.stringify({ sid: id })}`);
    } else if (sessions.has(sid)) {
      request.resume().once('end', () => response.end('ok'));
    } else {
      response.writeHead(400).end('{"code":1,"message":"Session ID unknown"}');
    }
  };
}

/** Clients that each open a session and poll it, one after the other. @returns the distinct responses */
async function poll(
  url: string,
  headersOf: (client: number) => Record<string, string>,
): Promise<Set<string>> {
  const responses = new Set<string>();
  for (let client = 0; client < 24; client++) {
    const headers = headersOf(client);
    const opened = await fetch(`${url}/socket.io?EIO=4&transport=polling`, { headers });
    const [setCookie] = opened.headers.getSetCookie();
    if (setCookie) headers['Cookie'] = setCookie.split(';')[0]!;
    const { sid } = JSON.parse((await opened.text()).slice(1)) as { sid: string };
    for (const method of ['GET', 'POST', 'GET', 'GET', 'POST']) {
      const target = `${url}/socket.io?EIO=4&transport=polling&sid=${sid}`;
      const response = await fetch(target, { method, headers, ...(method === 'POST' && { body: '40' }) });
      responses.add(`${response.status} ${await response.text()}`);
    }
  }
  return responses;
}

describe('the polling of socket.io over two instances', () => {
  it.each<[AffinityOptions, (client: number) => Record<string, string>]>([
    [{ by: 'client' }, (client) => ({ 'X-Forwarded-For': `10.1.0.${client}` })],
    [{ by: 'gateway-cookie' }, () => ({})],
  ])('finds its session with %j', async (affinity, headersOf) => {
    await using one = await startService(polling());
    await using two = await startService(polling());
    await using gateway = await startLive([one, two], moduleWith(affinity, route('/socket.io')));

    expect(await poll(gateway.url, headersOf)).toEqual(new Set(['200 ok']));
    expect(one.accepted()).toBeGreaterThan(0);
    expect(two.accepted()).toBeGreaterThan(0);
  });
});

interface Asked {
  readonly affinity: AffinityOptions;
  readonly route: RouteOptions;
  readonly method?: string;
  /** Target and headers of a request with a key. */
  readonly request: (key: string) => readonly [string, Record<string, string>];
}

/** Sessions of MCP, uploads of tus and others. */
const ASKED: readonly (readonly [string, Asked])[] = [
  [
    'sessions by header',
    {
      affinity: { by: 'header', name: 'Mcp-Session-Id' },
      route: route('/mcp'),
      method: 'POST',
      request: (key) => ['/mcp', { 'Mcp-Session-Id': key }],
    },
  ],
  [
    'uploads by path',
    {
      affinity: { by: 'parameter', name: 'id' },
      route: route('/files/:id', ['HEAD', 'PATCH']),
      method: 'PATCH',
      request: (key) => [`/files/${key}`, {}],
    },
  ],
  [
    'clients by query',
    {
      affinity: { by: 'query', name: 'sid' },
      route: route('/poll'),
      request: (key) => [`/poll?EIO=4&sid=${key}&t=1`, {}],
    },
  ],
  [
    "clients by the service's cookie",
    {
      affinity: { by: 'cookie', name: 'JSESSIONID' },
      route: route('/app'),
      request: (key) => ['/app', { Cookie: `a=1; JSESSIONID=${key}` }],
    },
  ],
];

const KEYS = Array.from({ length: 24 }, (_, index) => `key-${index}`);

describe.each(ASKED)('%s', (_, { affinity, route: declared, method = 'GET', request }) => {
  it('have one instance each, another while it is gone, and the first once it is back', async () => {
    await using one = await startService(named('one'));
    await using two = await startService(named('two'));
    await using gateway = await startLive([one, two], moduleWith(affinity, declared));
    const instanceOf = async (key: string): Promise<string> => {
      const [target, headers] = request(key);
      const response = await fetch(gateway.url + target, { method, headers });
      await response.arrayBuffer();
      return `${response.status} ${response.headers.get('x-instance')}`;
    };
    // One after the other, since many at a time may exceed the load limit.
    const all = async (): Promise<string[]> => {
      const instances: string[] = [];
      for (const key of KEYS) instances.push(await instanceOf(key));
      return instances;
    };
    const before = await all();

    expect(new Set(before)).toEqual(new Set(['200 one', '200 two']));
    for (let round = 0; round < 3; round++) expect(await all()).toEqual(before);
    await one[Symbol.asyncDispose]();
    await untilLogged(gateway, 'instance ejected', all);
    expect(new Set(await all())).toEqual(new Set(['200 two']));

    await using again = await startService(named('one'), { port: one.port });
    while ((await all()).join() !== before.join());
    expect(again.accepted()).toBeGreaterThan(0);
  });
});

/** Acts until the gateway has logged a message. */
async function untilLogged(
  { logs }: { readonly logs: readonly Record<string, unknown>[] },
  logged: string,
  act: () => Promise<unknown>,
): Promise<void> {
  while (!logs.some(({ message }) => message === logged)) await act();
}

describe('a request without the key', () => {
  it('is balanced by load', async () => {
    await using one = await startService(named('one'));
    await using two = await startService(named('two'));
    const affinity = { by: 'header', name: 'Mcp-Session-Id' } as const;
    await using gateway = await startLive([one, two], moduleWith(affinity, route('/mcp')));

    while (one.accepted() === 0 || two.accepted() === 0) await fetch(`${gateway.url}/mcp`);
  });
});

describe('many requests of one key', () => {
  it.each([
    [1.25, 25],
    [Infinity, 40],
  ])('with the loadFactor %d fill an instance up to %d of 40', async (loadFactor, most) => {
    const counts = [0, 0];
    const waiting: ServerResponse[] = [];
    const holding =
      (index: number): RequestListener =>
      (_request, response) => {
        counts[index]!++;
        waiting.push(response);
      };
    await using one = await startService(holding(0));
    await using two = await startService(holding(1));
    await using gateway = await startLive([one, two], moduleWith({ by: 'client', loadFactor }, route('/a')));

    const responses = Array.from({ length: 40 }, () => fetch(`${gateway.url}/a`));
    while (waiting.length < 40) await new Promise(setImmediate);
    for (const response of waiting) response.end();
    await Promise.all(responses);

    expect(Math.max(...counts)).toBe(most);
  });
});

describe("the gateway's cookie", () => {
  const own = moduleWith({ by: 'gateway-cookie' }, route('/a'));

  it('names the next instance once its own is lost, and stays with that one', async () => {
    await using one = await startService(named('one'));
    await using two = await startService(named('two'));
    await using gateway = await startLive([one, two], own);
    const cookies = [''];
    const ask = async (): Promise<string | null> => {
      const response = await fetch(`${gateway.url}/a`, { headers: { Cookie: cookies.at(-1)! } });
      const [setCookie] = response.headers.getSetCookie();
      if (setCookie) {
        expect(setCookie).toMatch(COOKIE);
        cookies.push(setCookie.split(';')[0]!);
      }
      return response.headers.get('x-instance');
    };
    while ((await ask()) !== 'one') cookies.push('');
    const known = cookies.length;
    for (let each = 0; each < 20; each++) expect(await ask()).toBe('one');
    expect(cookies).toHaveLength(known);

    await one[Symbol.asyncDispose]();
    while (cookies.length === known) expect(await ask()).toBe('two');
    await using again = await startService(named('one'), { port: one.port });
    while (again.accepted() === 0) await fetch(`${gateway.url}/a`);
    for (let each = 0; each < 20; each++) expect(await ask()).toBe('two');
  });

  it('is Secure for clients that came by https, as a trusted proxy says', async () => {
    await using service = await startService(named('one'));
    await using gateway = await startLive([service], own);

    const response = await fetch(`${gateway.url}/a`, { headers: { 'X-Forwarded-Proto': 'https' } });
    expect(response.headers.getSetCookie()[0]).toMatch(/; HttpOnly; SameSite=Lax; Secure$/);
  });

  it.each([
    ['forged', 'Cookie: live-service-affinity=http://127.0.0.1:9'],
    ['of another secret', `Cookie: live-service-affinity=${'A'.repeat(22)}`],
    ['huge', `Cookie: live-service-affinity=${'x'.repeat(8_000)}`],
    ['one of thousands', `Cookie: ${'a=1; '.repeat(1_500)}live-service-affinity=x`],
    ['twice in two fields', 'Cookie: live-service-affinity=x\r\nCookie: live-service-affinity=y'],
    ['empty', 'Cookie: live-service-affinity='],
    ['with a foreign address', 'Cookie: live-service-affinity=169.254.169.254:80'],
  ])('that is %s is as good as none', async (_, lines) => {
    await using service = await startService(named('one'));
    await using gateway = await startLive([service], own);

    const request = rawRequest('GET /a', { headers: { Connection: 'close' } });
    const { statuses, text } = await exchangeRaw(
      gateway.port,
      request.replace('\r\n\r\n', `\r\n${lines}\r\n\r\n`),
    );

    expect(statuses).toEqual([200]);
    expect(text.match(/^Set-Cookie: .*$/gim)!.map((line) => line.slice(12).trim())).toEqual([
      expect.stringMatching(COOKIE),
    ]);
  });

  it('is not set by an error of the gateway, and not on routes without affinity', async () => {
    const module = moduleWith({ by: 'gateway-cookie' }, route('/a'), { ...route('/b'), affinity: 'none' });
    await using service = await startService(named('one'));
    await using gateway = await startLive([service], module);
    const cookies = async (path: string): Promise<string[]> =>
      (await fetch(gateway.url + path)).headers.getSetCookie();

    expect(await cookies('/b')).toEqual([]);
    await service[Symbol.asyncDispose]();
    expect(await cookies('/a')).toEqual([]);
  });

  it('stays where a rule removes the cookies of the service', async () => {
    const responseHeaders = { remove: ['Set-Cookie'] };
    const socket: RouteOptions = { ...route('/ws', ['GET']), websocket: {}, responseHeaders };
    await using service = await startSocketService();
    await using files = await startService((_request, response) =>
      response.setHeader('Set-Cookie', 'sid=1').end('file'),
    );
    await using sockets = await startLive([service], moduleWith({ by: 'gateway-cookie' }, socket));
    await using gateway = await startLive(
      [files],
      moduleWith({ by: 'gateway-cookie' }, { ...route('/a'), responseHeaders }),
    );

    const response = await fetch(`${gateway.url}/a`);
    await using end = await openSocket(sockets, '/ws', { headers: {} });

    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(COOKIE)]);
    expect(end.handshake.headers['set-cookie']).toEqual([expect.stringMatching(COOKIE)]);
  });

  it('comes with the 101 of a WebSocket, and leads the next handshakes to its instance', async () => {
    const socket: RouteOptions = { methods: ['GET'], path: '/ws', auth: 'none', websocket: {} };
    await using one = await startSocketService();
    await using two = await startSocketService();
    await using gateway = await startLive([one, two], moduleWith({ by: 'gateway-cookie' }, socket));
    await using first = await openSocket(gateway, '/ws', { headers: {} });
    const [setCookie] = first.handshake.headers['set-cookie']!;

    expect(setCookie).toMatch(COOKIE);
    const home = one.connections.length === 1 ? one : two;
    for (let each = 2; each < 12; each++) {
      await using next = await openSocket(gateway, '/ws', { headers: { Cookie: setCookie!.split(';')[0]! } });
      expect(next.handshake.headers['set-cookie']).toBeUndefined();
      expect(home.connections).toHaveLength(each);
    }
  });
});

describe('an invalid affinity', () => {
  it('stops the boot, and names its route', async () => {
    const module = moduleWith({ by: 'parameter', name: 'id' }, route('/files/:id'), route('/mcp', ['GET']));

    await expect(startGateway({ modules: [module] })).rejects.toThrow(
      'GET /mcp (live-service) has an affinity by the parameter id, which its path does not have',
    );
  });

  it('stops the boot if two upstreams have the same cookie', async () => {
    @Upstream({
      name: 'other-service',
      instances: ['http://127.0.0.1:9'],
      affinity: { by: 'gateway-cookie', name: 'live-service-affinity' },
      routes: [],
    })
    class OtherUpstream {}
    @Module({ imports: [moduleWith({ by: 'gateway-cookie' })], providers: [OtherUpstream] })
    class BothModule {}

    await expect(startGateway({ modules: [BothModule] })).rejects.toThrow(
      /has the affinity cookie of .*: live-service-affinity for \//,
    );
  });
});
