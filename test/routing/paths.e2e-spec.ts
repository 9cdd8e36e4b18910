import { Upstream, type Exchange, type Gate, type RouteOptions } from '@app/proxy';
import { ForbiddenException, Injectable, Module, type Type } from '@nestjs/common';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startRecordingService, type RecordingService } from '../support/recording-service.js';
import { openSocket, rawHandshake, startSocketService } from '../support/websocket.js';

@Injectable()
class SecretGate implements Gate {
  check(exchange: Exchange): void {
    if (exchange.parameter('rest') === 'secrets/caf\u00e9') throw new ForbiddenException('Secret');
  }
}

/** A team's module with these routes of `files-service`. */
function moduleOf(routes: readonly RouteOptions[]): Type {
  @Upstream({
    name: 'files-service',
    instances: ['http://127.0.0.1:9'],
    gates: [SecretGate],
    routes,
  })
  class FilesUpstream {}
  @Module({ providers: [FilesUpstream, SecretGate] })
  class FilesModule {}
  return FilesModule;
}

const METHODS = ['GET'] as const;
const PUBLIC = { methods: METHODS, auth: 'none' } as const;
const ROUTES: readonly RouteOptions[] = [
  { ...PUBLIC, path: '/files/*rest' },
  { ...PUBLIC, path: '/files/:name' },
  { methods: METHODS, path: '/files/admin' },
  { ...PUBLIC, path: '/members/me' },
  { methods: METHODS, path: '/members/:id' },
  { ...PUBLIC, path: '/simple/' },
  { ...PUBLIC, path: '/simple', rewrite: '/not-simple' },
  { ...PUBLIC, path: '/app/{*rest}', strip: '/app' },
  { ...PUBLIC, path: '/old/:tenant/*rest', rewrite: '/new/:tenant/x/*rest' },
  { ...PUBLIC, path: '/slash/:name', allowedInPath: ['encodedSlash'] },
  { methods: METHODS, path: '/slash/:name/secret' },
  { ...PUBLIC, path: '/percent/*rest', allowedInPath: ['encodedPercent'] },
  { ...PUBLIC, path: '/keys/*rest', strip: '/keys', allowedInPath: ['emptySegment'] },
  {
    ...PUBLIC,
    path: '/all/*rest',
    strip: '/all',
    allowedInPath: ['encodedSlash', 'encodedBackslash', 'encodedPercent'],
  },
  { ...PUBLIC, path: '/backslash/*rest', allowedInPath: ['encodedBackslash'] },
  { ...PUBLIC, path: '/semicolon/*rest', allowedInPath: ['semicolon'] },
  { ...PUBLIC, path: '/reset/*token' },
  { methods: METHODS, path: '/people/@me' },
  { ...PUBLIC, path: '/people/:id' },
  { methods: METHODS, path: '/people/%5Ball%5D' },
  { methods: METHODS, path: '/tasks/orders:export' },
  { ...PUBLIC, path: '/tasks/:thing' },
  { ...PUBLIC, path: '/limited', limit: { name: 'LIMITED', perMinute: 1 } },
];

class System implements AsyncDisposable {
  private constructor(
    readonly service: RecordingService,
    readonly gateway: RunningGateway,
  ) {}

  static async start(env: Readonly<Record<string, string>> = {}): Promise<System> {
    const service = await startRecordingService();
    const gateway = await startGateway({
      modules: [moduleOf(ROUTES)],
      env: { FILES_SERVICE_URL: service.url, ...env },
    });
    return new System(service, gateway);
  }

  /** The status of a request, and the target that the service got for it. */
  async ask(target: string, authorization = '', method = 'GET'): Promise<[number, string | undefined]> {
    const before = this.service.requests.length;
    const { statuses } = await exchangeRaw(
      this.gateway.port,
      `${method} ${target} HTTP/1.1\r\nHost: a\r\n${authorization}Connection: close\r\n\r\n`,
    );
    return [statuses[0]!, this.service.requests.at(before)?.line.split(' ')[1]];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await this.service[Symbol.asyncDispose]();
  }
}

const TOKEN = `Authorization: ${bearer().Authorization}\r\n`;

let system: System;
beforeAll(async () => (system = await System.start()));
afterAll(() => system[Symbol.asyncDispose]());

describe('a wildcard', () => {
  it.each([
    ['/files/a', '/files/a'],
    ['/files/a/', '/files/a/'],
    ['/files/a/b/c.tar.gz?q=%2F', '/files/a/b/c.tar.gz?q=%2F'],
    ['/files/admin/', '/files/admin/'],
    ['/app/', '/'],
    ['/app/a/%C3%A9?q=/app', '/a/%C3%A9?q=/app'],
    ['/%61pp/%61/~%7e', '/%61/~%7e'],
    ['/old/acme/a/b/?q', '/new/acme/x/a/b/?q'],
    ['/old/%61cme/%62', '/new/%61cme/x/%62'],
  ])('sends the service %s as %s', async (sent, received) => {
    expect(await system.ask(sent)).toEqual([200, received]);
  });

  it.each(['/files', '/files/', '/app', '/old/acme', '/old/acme/', '/nothing'])(
    'does not match %s',
    async (target) => {
      expect(await system.ask(target, TOKEN)).toEqual([404, undefined]);
    },
  );

  it('has its rest, decoded, for gates', async () => {
    expect(await system.ask('/files/secrets/caf%C3%A9')).toEqual([403, undefined]);
    expect(await system.ask('/files/%73ecrets/caf%c3%a9')).toEqual([403, undefined]);
    expect(await system.ask('/files/secrets/tea')).toEqual([200, '/files/secrets/tea']);
  });
});

describe('a trailing slash', () => {
  it('makes a path of its own', async () => {
    expect(await system.ask('/simple/')).toEqual([200, '/simple/']);
    expect(await system.ask('/simple')).toEqual([200, '/not-simple']);
    expect(await system.ask('/simple//')).toEqual([400, undefined]);
  });
});

describe('a path with encoded letters', () => {
  it.each(['/files/%61dmin', '/%66iles/admin', '/files/%61%64%6D%69%6E', '/files/%61%64%6d%69%6e'])(
    '%s is behind the token of the route that it stands for, and reaches the service as sent',
    async (target) => {
      expect(await system.ask(target)).toEqual([401, undefined]);
      expect(await system.ask(target, TOKEN)).toEqual([200, target]);
    },
  );

  it('is refused if its letters, not decoded, are behind a token that it would not need', async () => {
    expect(await system.ask('/members/me')).toEqual([200, '/members/me']);
    expect(await system.ask('/members/m%65')).toEqual([400, undefined]);
    expect(await system.ask('/%6Dembers/me')).toEqual([200, '/%6Dembers/me']);
  });

  it('has 405 with the methods of its path', async () => {
    const { statuses, text } = await exchangeRaw(
      system.gateway.port,
      'POST /s%69mple/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    );

    expect(statuses).toEqual([405]);
    expect(text).toMatch(/^Allow: GET, HEAD\r$/m);
  });

  it('counts for the limit of the route that it stands for', async () => {
    await using limited = await System.start({ RATELIMIT: 'on' });

    expect(await limited.ask('/limited')).toEqual([200, '/limited']);
    expect(await limited.ask('/%6Cimited')).toEqual([429, undefined]);
    expect(await limited.ask('/limite%64')).toEqual([429, undefined]);
  });

  it('finds no controller', async () => {
    expect(await system.ask('/health')).toEqual([200, undefined]);
    expect(await system.ask('/he%61lth')).toEqual([400, undefined]);
    expect(await system.ask('/%73wagger')).toEqual([400, undefined]);
  });
});

describe('a path that is behind a token once its reserved characters are decoded', () => {
  it.each([
    '/people/%40me',
    '/people/%40%6de',
    '/peopl%65/%40me',
    '/people/[all]',
    '/people/%5ball]',
    '/tasks/orders%3aexport',
  ])('is refused on a route without one: %s', async (target) => {
    expect(await system.ask(target)).toEqual([400, undefined]);
    expect(await system.ask(target, TOKEN)).toEqual([400, undefined]);
  });

  it('is no other path', async () => {
    for (const target of ['/people/@me', '/people/%5Ball%5D', '/people/%5ball%5d', '/tasks/orders:export']) {
      expect(await system.ask(target)).toEqual([401, undefined]);
      expect(await system.ask(target, TOKEN)).toEqual([200, target]);
    }
    for (const target of ['/people/ada%40example.com', '/people/@you', '/people/me%40', '/tasks/a%3Ab'])
      expect(await system.ask(target)).toEqual([200, target]);
  });
});

describe('a path that two servers could read differently', () => {
  it.each([
    ['/slash/@scope%2Fname', '/slash/@scope%2Fname'],
    ['/slash/%2f%2F', '/slash/%2f%2F'],
    ['/percent/100%25', '/percent/100%25'],
    ['/percent/a%2525b/%252F', '/percent/a%2525b/%252F'],
    ['/keys/a//b///', '/a//b///'],
    ['/backslash/a%5Cb%5c', '/backslash/a%5Cb%5c'],
    ['/semicolon/a;v=1/b;', '/semicolon/a;v=1/b;'],
    ['/all/h%2F/%2Fx', '/h%2F/%2Fx'],
  ])('passes as sent if its route allows it: %s', async (sent, received) => {
    expect(await system.ask(sent)).toEqual([200, received]);
  });

  const PARTS = ['%2F', '%2f', '%25', '//', '%5C', '%5c', ';'];
  const ALLOWED: Readonly<Record<string, RegExp>> = {
    '/slash/': /%2F/i,
    '/percent/': /%25/,
    '/keys/': /\/\//,
    '/backslash/': /%5C/i,
    '/semicolon/': /;/,
    '/files/': /^$/,
    '/nothing/': /^$/,
  };

  it.each(Object.keys(ALLOWED))('is refused if its route does not allow it: %s', async (route) => {
    const refused = PARTS.filter((part) => !ALLOWED[route]!.test(part));
    expect(refused.length).toBeGreaterThan(4);

    for (const part of refused) {
      const target = `${route}a${part}b`;
      expect([target, ...(await system.ask(target, TOKEN))]).toEqual([target, 400, undefined]);
    }
  });

  it('has no slash where one is encoded', async () => {
    expect(await system.ask('/slash/a/secret')).toEqual([401, undefined]);
    expect(await system.ask('/slash/a%2Fsecret')).toEqual([200, '/slash/a%2Fsecret']);
    expect(await system.ask('/slash%2Fa')).toEqual([400, undefined]);
    expect(await system.ask('/slash%2Fa/secret')).toEqual([400, undefined]);
    expect(await system.ask('/slash/a%2Fb/secret', TOKEN)).toEqual([400, undefined]);
    expect(await system.ask('/files%2Fadmin')).toEqual([400, undefined]);
    expect(await system.ask('/files/x%2F..%2Fadmin')).toEqual([400, undefined]);
  });

  it.each([
    '/slash/..%2Fsecret',
    '/slash/a%2F..',
    '/slash/%2e%2e',
    '/slash/a%2Eb',
    '/percent/%252e%252e/a',
    '/percent/%25%32%65',
    '/keys/..//a',
    '/keys//a',
    '/keys//evil.example/a',
    '//keys/a',
    '/all/%2Fevil.example/a',
    '/all/%5cevil.example/a',
    '/all/%25252fevil.example/a',
    '/backslash/..%5Ca',
    '/semicolon/..;/a',
    '/semicolon/.;v=1/a',
    '/semicolon/a;%00',
    '/semicolon/a;%ff',
    '/semicolon/a\\;',
  ])('is refused on every route: %s', async (target) => {
    expect(await system.ask(target, TOKEN)).toEqual([400, undefined]);
  });
});

describe('a wildcard called token', () => {
  it.each([
    ['/reset/hush/hush?hush', 200],
    ['/reset/hush%2Fhush', 400],
  ])('is redacted in the log: %s is %d', async (target, status) => {
    const { json, text } = await exchangeRaw(
      system.gateway.port,
      `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    const id = /^X-Request-ID: (.+)\r$/im.exec(text)?.[1] ?? json?.['request_id'];
    const line = await system.gateway.logged({ message: 'request', request_id: id });

    expect(line).toMatchObject({ status, path: '/reset/[redacted]' });
    expect(JSON.stringify(line)).not.toContain('hush');
  });
});

describe('the OpenAPI document', () => {
  it('has trailing slashes, wildcards as parameters, and a wildcard beside a parameter apart', async () => {
    const document = (await (await fetch(`${system.gateway.url}/swagger`)).json()) as {
      paths: Record<string, Record<string, { operationId: string }>>;
      'x-wildcards': Record<string, unknown>;
    };

    const { paths } = document;
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/simple', '/simple/', '/files/{name}', '/app/{rest}', '/old/{tenant}/{rest}']),
    );
    expect(paths['/app/{rest}']).toMatchObject({
      parameters: [
        {
          name: 'rest',
          in: 'path',
          required: true,
          description: 'The rest of the path, with its slashes as they are; it may be empty.',
        },
      ],
    });
    expect(paths['/files/{name}']).toMatchObject({ get: { operationId: 'get_files_name' } });
    expect(document['x-wildcards']).toMatchObject({
      '/files/*rest': { get: { operationId: 'get_files_rest_rest' } },
    });
    const ids = Object.values(paths).flatMap((path) =>
      Object.values(path).flatMap(({ operationId }) => operationId ?? []),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('a WebSocket route', () => {
  it('takes the same look-up and the same rules', async () => {
    await using service = await startSocketService();
    const websocket = {};
    await using gateway = await startGateway({
      modules: [
        moduleOf([
          { methods: METHODS, path: '/ws/*rest', websocket, strip: '/ws' },
          { methods: METHODS, path: '/keyed/*rest', websocket, allowedInPath: ['encodedSlash'] },
        ]),
      ],
      env: { FILES_SERVICE_URL: service.url },
    });
    const ask = async (target: string, headers: Record<string, string> = {}): Promise<number | undefined> =>
      (await exchangeRaw(gateway.port, rawHandshake(target, headers))).statuses[0];

    expect(await ask('/%77s/room', { Authorization: '' })).toBe(401);
    expect(await ask('/ws/a%2Fb')).toBe(400);
    expect(await ask('/ws/../ws/a')).toBe(400);
    expect(await ask('/keyed/%2e%2e/a')).toBe(400);
    expect(await ask('/keyed/a;b')).toBe(400);
    expect(service.connections).toEqual([]);

    await using _stripped = await openSocket(gateway, '/%77s/ro%6Fm/?a');
    await using _keyed = await openSocket(gateway, '/keyed/a%2Fb');
    expect((await service.connection(0)).handshake.url).toBe('/ro%6Fm/?a');
    expect((await service.connection(1)).handshake.url).toBe('/keyed/a%2Fb');
  });
});

describe('the application does not start', () => {
  it.each<[string, readonly RouteOptions[], RegExp]>([
    [
      'with a wildcard that can never match',
      [
        { ...PUBLIC, path: '/f/*rest' },
        { ...PUBLIC, path: '/f/:a' },
        { ...PUBLIC, path: '/f/:a/{*rest}' },
      ],
      /GET \/f\/\*rest \(files-service\) can never match: each of its paths has a more specific route/,
    ],
    [
      'with a wildcard before the end',
      [{ ...PUBLIC, path: '/f/*rest/a' }],
      /a wildcard is the whole last segment, as in \*path/,
    ],
    [
      'with a name that allowedInPath does not have',
      [{ ...PUBLIC, path: '/f', allowedInPath: ['encodedDot' as 'semicolon'] }],
      /GET \/f \(files-service\) has allowedInPath encodedDot, which is none of encodedSlash, encodedPercent/,
    ],
  ])('%s', async (_name, routes, message) => {
    await expect(startGateway({ modules: [moduleOf(routes)] })).rejects.toThrow(message);
  });
});
