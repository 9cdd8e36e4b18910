import {
  InjectProxy,
  ProxyModule,
  Upstream,
  type Exchange,
  type Gate,
  type RouteOptions,
  type UpstreamOptions,
} from '@app/proxy';
import { Injectable, Module, type MiddlewareConsumer, type NestModule, type Type } from '@nestjs/common';
import type { RequestHandler } from 'http-proxy-middleware';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRecordingService, valuesOf, type RecordedRequest } from '../support/recording-service.js';
import { startRawService, startService } from '../support/service.js';
import { openSocket, rawHandshake, startSocketService } from '../support/websocket.js';

const NOWHERE = 'http://127.0.0.1:9';

/** Sets a header in code, and removes another. */
@Injectable()
class CodeGate implements Gate {
  check({ requestHeaders, request }: Exchange): void {
    if (request.headers['x-code'] === undefined) return;
    requestHeaders.set('X-Code', request.headers['x-code'] === 'set' ? 'of-the-gate' : undefined);
    requestHeaders.add('X-Added', 'one');
    requestHeaders.add('X-Added', 'two');
    requestHeaders.remove('X-Secret');
    if (request.headers['x-code'] === 'bad') requestHeaders.set('X-Bad', 'a\r\nX-Role: admin');
    if (request.headers['x-code'] === 'frame') requestHeaders.set('Transfer-Encoding', 'chunked');
  }
}

const ROUTES: readonly RouteOptions[] = [
  {
    methods: ['GET', 'POST'],
    path: '/v1/rooms/:room',
    requestHeaders: {
      set: {
        'X-Room': { from: 'parameters.room' },
        'X-Address': { from: 'client.address' },
        'X-Id': { from: 'request.id' },
        'X-Session': { from: 'principal.sessionId' },
        'X-Roles': { from: 'claims.roles' },
      },
      add: { 'X-Via': 'gateway' },
      remove: ['Cookie'],
    },
    responseHeaders: { set: { 'Cache-Control': 'no-store', 'X-Room': { from: 'parameters.room' } } },
  },
  { methods: ['GET'], path: '/v1/public', auth: 'none' },
  { methods: ['GET'], path: '/v1/ws/rooms/:room', websocket: { resume: true } },
];

function moduleOf(options: Partial<UpstreamOptions> = {}, routes = ROUTES): Type {
  @Upstream({
    name: 'rooms-service',
    instances: [NOWHERE],
    routes,
    gates: [CodeGate],
    requestHeaders: {
      set: { 'X-Who': { from: 'principal.id' }, 'X-User-Email': { from: 'principal.email' } },
    },
    responseHeaders: { remove: ['Server'], add: { 'X-Frame-Options': 'DENY' } },
    ...options,
  })
  class RoomsUpstream {}

  @Module({
    imports: [ProxyModule.forFeature('rooms-service')],
    providers: [RoomsUpstream, CodeGate],
  })
  class RoomsModule implements NestModule {
    constructor(@InjectProxy('rooms-service') private readonly proxy: RequestHandler) {}

    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(this.proxy).forRoutes('/mounted');
    }
  }
  return RoomsModule;
}

const startFor = (url: string, env: Readonly<Record<string, string>> = {}): Promise<RunningGateway> =>
  startGateway({ modules: [moduleOf()], env: { ROOMS_SERVICE_URL: url, ...env } });

/** Every way in which a client may write a name that a service takes for `X-Who`. */
const SPOOFED = [
  'X-Who: 1',
  'x-who: 2',
  'X_Who: 3',
  'X.WHO: 4',
  'X~Who: 5',
  'X-User-Email: eve',
  'X_User_Email: eve',
];

const whoIn = ({ headers }: RecordedRequest): (readonly [string, string])[] =>
  headers.filter(([name]) => /^x.(?:who|user.email)$/i.test(name));

const head = (target: string, lines: readonly string[]): string =>
  `${target} HTTP/1.1\r\nHost: gateway\r\n${lines.join('\r\n')}\r\n\r\n`;

describe('a header that the gateway sets', () => {
  it('has the value of the exchange, and never comes from the client', async () => {
    await using service = await startRecordingService();
    await using gateway = await startFor(service.url);
    const token = `Authorization: ${bearer({ user_id: 'u-7', roles: ['a', 'b,c', 'd\r\nX-Role: admin'] }).Authorization}`;

    await exchangeRaw(
      gateway.port,
      head('GET /v1/rooms/caf%C3%A9', [
        token,
        ...SPOOFED,
        'X-Room: spoofed',
        'x_session: spoofed',
        'X-Roles: admin',
        'X-Via: client',
        'Cookie: a=1',
        'Connection: close',
      ]),
    );

    const request = service.requests[0]!;
    expect(whoIn(request)).toEqual([
      ['X-Who', 'u-7'],
      ['X-User-Email', 'ada@example.com'],
    ]);
    expect(valuesOf(request, 'x-room')).toEqual(['caf%C3%A9']);
    expect(valuesOf(request, 'x-role')).toEqual([]);
    expect(valuesOf(request, 'x-address')).toEqual(['127.0.0.1']);
    expect(valuesOf(request, 'x-id')).toEqual(valuesOf(request, 'x-request-id'));
    expect(valuesOf(request, 'x-session')).toEqual([]);
    expect(valuesOf(request, 'x_session')).toEqual([]);
    expect(valuesOf(request, 'x-roles')).toEqual(['a,b%2Cc,d%0D%0AX-Role: admin']);
    expect(valuesOf(request, 'x-via')).toEqual(['client', 'gateway']);
    expect(valuesOf(request, 'cookie')).toEqual([]);
  });

  it.each([
    ['on a route without a principal', 'GET /v1/public'],
    ['through a mounted proxy', 'GET /mounted/x'],
  ])('does not come from the client %s', async (_case, target) => {
    await using service = await startRecordingService();
    await using gateway = await startFor(service.url, { TRUST_PROXY: '127.0.0.1' });

    await exchangeRaw(gateway.port, head(target, [...SPOOFED, 'Connection: close, X-Who']));

    expect(service.requests).toHaveLength(1);
    expect(whoIn(service.requests[0]!)).toEqual([]);
  });

  it('does not come from the client in a trailer', async () => {
    await using service = await startService((request, response) => {
      request
        .resume()
        .on('end', () => response.end(JSON.stringify([request.trailers, request.headers.trailer])));
    });
    await using gateway = await startFor(service.url);

    const { text } = await exchangeRaw(
      gateway.port,
      rawRequest('POST /v1/rooms/one', {
        headers: {
          'Transfer-Encoding': 'chunked',
          Trailer: 'X-Who, X_Room, X-Sum',
          Connection: 'close',
        },
        body: '1\r\na\r\n0\r\nX-Who: eve\r\nX_Room: eve\r\nX-Sum: 1\r\n\r\n',
      }),
    );

    expect(text).toContain('[{"x-sum":"1"},"X-Sum"]');
  });

  it('is in the request of a retry, once', async () => {
    await using dying = await startRawService((socket) => void socket.once('data', () => socket.destroy()));
    await using service = await startRecordingService();
    await using gateway = await startFor(`${dying.url},${service.url}`, {
      OUTLIER_CONSECUTIVE_FAILURES: '100000',
    });

    for (let sent = 0; dying.accepted() === 0; sent++) {
      const { statuses } = await exchangeRaw(
        gateway.port,
        rawRequest('GET /v1/rooms/one', {
          headers: { ...bearer({ user_id: 'u-7' }), 'X-Who': 'eve', Connection: 'close' },
        }),
      );
      expect(statuses).toEqual([200]);
      expect(whoIn(service.requests[sent]!).map(([, value]) => value)).toEqual(['u-7', 'ada@example.com']);
    }
  });

  it('is in a handshake, and in that of a resumption', async () => {
    await using service = await startSocketService();
    await using gateway = await startFor(service.url);

    await using _client = await openSocket(gateway, '/v1/ws/rooms/one', {
      headers: { ...bearer({ user_id: 'u-7' }), 'X-Who': 'eve', X_Who: 'eve' },
    });
    const first = await service.connection(0);
    first.socket.close(1012);
    const second = await service.connection(1);

    for (const { handshake } of [first, second]) {
      expect(handshake.headers).toMatchObject({ 'x-who': 'u-7', 'x-user-email': 'ada@example.com' });
      expect(handshake.headers).not.toHaveProperty('x_who');
    }
  });
});

describe('headers of a response', () => {
  it('are changed by the rules of the upstream and of the route', async () => {
    await using service = await startRecordingService(
      'HTTP/1.1 200 OK\r\nServer: x\r\ncache-control: public\r\nX-Room: y\r\nX-Frame-Options: SAMEORIGIN\r\nContent-Length: 2\r\n\r\nok',
    );
    await using gateway = await startFor(service.url);

    const response = await fetch(`${gateway.url}/v1/rooms/a%E2%82%AC`, { headers: bearer() });
    const open = await fetch(`${gateway.url}/v1/public`);

    expect(response.headers.get('server')).toBeNull();
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-room')).toBe('a%E2%82%AC');
    expect(response.headers.get('x-frame-options')).toBe('SAMEORIGIN, DENY');
    expect(await response.text()).toBe('ok');
    expect(open.headers.get('cache-control')).toBe('public');
    expect(open.headers.get('server')).toBeNull();
  });

  it('are changed in trailers and in responses to handshakes too', async () => {
    const chunked =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nServer: x\r\nX-Sum: 1\r\n\r\n';
    const refusal = 'HTTP/1.1 403 Forbidden\r\nServer: x\r\nContent-Length: 0\r\n\r\n';
    await using service = await startRecordingService(chunked);
    await using refusing = await startRecordingService(refusal);
    await using gateway = await startFor(service.url);
    await using other = await startFor(refusing.url);

    const response = await exchangeRaw(
      gateway.port,
      rawRequest('GET /v1/rooms/one', { headers: { TE: 'trailers', Connection: 'close, TE' } }),
    );
    const refused = await exchangeRaw(other.port, rawHandshake('/v1/ws/rooms/one'));

    expect(response.text).toContain('X-Sum: 1');
    expect(response.text).not.toContain('Server');
    expect(refused.statuses).toEqual([403]);
    expect(refused.text).toContain('X-Frame-Options: DENY');
    expect(refused.text).not.toContain('Server');
  });
});

describe('a gate that changes headers', () => {
  const sentBy = async (
    code: string,
  ): Promise<readonly [readonly number[], RecordedRequest | undefined, string]> => {
    await using service = await startRecordingService();
    await using gateway = await startFor(service.url);
    const { statuses, text } = await exchangeRaw(
      gateway.port,
      rawRequest('GET /v1/rooms/one', {
        headers: { 'x-code': code, X_Code: 'eve', 'X-Secret': '1', 'X-Added': 'client', Connection: 'close' },
      }),
    );
    return [statuses, service.requests[0], text];
  };

  it('does so for the service alone', async () => {
    const [, request] = await sentBy('set');

    expect(request!.headers.filter(([name]) => /^x.code$/i.test(name))).toEqual([['X-Code', 'of-the-gate']]);
    expect(valuesOf(request!, 'x-added')).toEqual(['client', 'one', 'two']);
    expect(valuesOf(request!, 'x-secret')).toEqual([]);
  });

  it('removes the header of a client if it has no value', async () => {
    const [, request] = await sentBy('none');

    expect(request!.headers.filter(([name]) => /^x.code$/i.test(name))).toEqual([]);
  });

  it.each(['bad', 'frame'])('cannot break the message (%s)', async (code) => {
    const [statuses, request, text] = await sentBy(code);

    expect(statuses).toEqual([500]);
    expect(request).toBeUndefined();
    expect(text).not.toContain('admin');
  });

  it('does so in a handshake', async () => {
    await using service = await startSocketService();
    await using gateway = await startFor(service.url);

    await using _client = await openSocket(gateway, '/v1/ws/rooms/one', {
      headers: { ...bearer(), 'X-Code': 'set', 'X-Secret': '1' },
    });

    const { headers } = (await service.connection(0)).handshake;
    expect(headers).toMatchObject({ 'x-code': 'of-the-gate', 'x-added': 'one, two' });
    expect(headers).not.toHaveProperty('x-secret');
  });
});

describe('Authorization', () => {
  const module = moduleOf({ requestHeaders: { set: { Authorization: 'Basic eDp5' } } });

  it('is that of a rule in requests and handshakes, also after the client has renewed its token', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ modules: [module], env: { ROOMS_SERVICE_URL: service.url } });
    const user = { user_id: 'u-7' };

    await using client = await openSocket(gateway, '/v1/ws/rooms/one', { headers: bearer(user) });
    client.send(JSON.stringify({ 'gateway:renew': bearer(user).Authorization.slice('Bearer '.length) }));
    expect(await client.received(1)).toEqual([expect.stringContaining('gateway:renewed')]);
    const first = await service.connection(0);
    first.socket.close(1012);
    const second = await service.connection(1);

    for (const { handshake } of [first, second]) expect(handshake.headers.authorization).toBe('Basic eDp5');
  });
});

describe('gRPC-web', () => {
  it('keeps its X-User-Agent', async () => {
    await using service = await startRecordingService();
    await using gateway = await startFor(service.url);

    await exchangeRaw(
      gateway.port,
      rawRequest('GET /v1/rooms/one', {
        headers: { 'X-User-Agent': 'grpc-web-javascript/0.1', Connection: 'close' },
      }),
    );

    expect(valuesOf(service.requests[0]!, 'x-user-agent')).toEqual(['grpc-web-javascript/0.1']);
  });
});
