import { once } from 'node:events';
import { Upstream, type WebSocketPolicy } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { SHORT_CLOCKS } from './support/clocks.js';
import { bearer, startGateway, type LogLine } from './support/gateway.js';
import { exchangeRaw, RawClient } from './support/raw-client.js';
import { startRecordingService, valuesOf } from './support/recording-service.js';
import { rawRequest } from './support/raw-request.js';
import { startRawService, startService } from './support/service.js';
import {
  acceptOf,
  CHAT,
  echo,
  frame,
  OPCODE,
  openSocket,
  rawHandshake,
  startSocketService,
} from './support/websocket.js';

const token = bearer().Authorization.slice('Bearer '.length);
const SIGNALING = '/v1/calls/ws/signaling?call_id=7';

/** A handshake that the gateway must refuse. */
interface Refused {
  readonly bytes: string;
  readonly status: number;
  readonly error?: string;
  readonly header?: RegExp;
  readonly logged?: LogLine;
}

const REFUSED: Readonly<Record<string, Refused>> = {
  'without a token': {
    bytes: rawHandshake(CHAT, { Authorization: '' }),
    status: 401,
    error: 'Authorization header required',
  },
  'with a token that is none': {
    bytes: rawHandshake(CHAT, { Authorization: 'Bearer x' }),
    status: 401,
    error: 'Invalid token',
  },
  'with a token in the query that is none': {
    bytes: rawHandshake('/v1/ws/chat?token=x', { Authorization: '' }),
    status: 401,
    error: 'Invalid token',
  },
  'from a page of another origin': {
    bytes: rawHandshake(CHAT, { Origin: 'https://evil.example' }),
    status: 403,
    logged: { error_code: 'ORIGIN_FORBIDDEN' },
  },
  'for an unknown path': { bytes: rawHandshake('/v1/ws/nowhere'), status: 404, error: 'Not found' },
  'for an ambiguous path': { bytes: rawHandshake('/v1/ws/../ws/chat'), status: 400, error: 'Invalid path' },
  'of another version': {
    bytes: rawHandshake(CHAT, { 'Sec-WebSocket-Version': '8' }),
    status: 426,
    error: 'Unsupported WebSocket version',
    header: /^Sec-WebSocket-Version: 13\r$/m,
  },
  'without a version': {
    bytes: rawHandshake(CHAT, { 'Sec-WebSocket-Version': '' }),
    status: 426,
    error: 'Unsupported WebSocket version',
  },
  'without a key': {
    bytes: rawHandshake(CHAT, { 'Sec-WebSocket-Key': '' }),
    status: 400,
    error: 'Invalid Sec-WebSocket-Key header',
  },
  'with a key of the wrong length': {
    bytes: rawHandshake(CHAT, { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' }),
    status: 400,
    error: 'Invalid Sec-WebSocket-Key header',
  },
  'with a subprotocol that is no token': {
    bytes: rawHandshake(CHAT, { 'Sec-WebSocket-Protocol': 'a b' }),
    status: 400,
    error: 'Invalid Sec-WebSocket-Protocol header',
  },
  'with a subprotocol twice': {
    bytes: rawHandshake(CHAT, { 'Sec-WebSocket-Protocol': 'a, a' }),
    status: 400,
    error: 'Invalid Sec-WebSocket-Protocol header',
  },
  'with two hosts': {
    bytes: rawHandshake(CHAT, { host: 'other' }),
    status: 400,
    error: 'Duplicate Host header',
  },
  'in HTTP/1.0': {
    bytes: rawHandshake().replace('HTTP/1.1', 'HTTP/1.0'),
    status: 400,
    error: 'WebSocket needs HTTP/1.1',
  },
};

describe('a handshake', () => {
  it.each(Object.entries(REFUSED))('%s is refused with one HTTP answer', async (_name, refused) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { bytes, status, error, header, logged } = refused;
    const end = bytes.replace('Connection: Upgrade', 'Connection: Upgrade, close');
    const { text, statuses, json } = await exchangeRaw(gateway.port, end);

    expect(statuses).toEqual([status]);
    expect(json?.['error']).toBe(error);
    expect(text).toMatch(/^X-Request-ID: /m);
    expect(text).toMatch(/^Connection: .*close\r$/m);
    if (header) expect(text).toMatch(header);
    await gateway.logged({ message: 'request', status, ...logged });
    expect(service.connections).toHaveLength(0);
  });

  it.each(['POST', 'PUT', 'DELETE'])('by %s is 405', async (method) => {
    await using gateway = await startGateway();

    const bytes = rawHandshake(CHAT, { Connection: 'Upgrade, close', 'Content-Length': '0' });
    const { text, statuses } = await exchangeRaw(gateway.port, bytes.replace('GET', method));

    expect(statuses).toEqual([405]);
    expect(text).toMatch(/^Allow: GET\r$/m);
  });

  it('without the wish to upgrade is 426', async () => {
    await using gateway = await startGateway();

    const response = await fetch(`${gateway.url}${CHAT}`, { headers: bearer() });

    expect(response.status).toBe(426);
    expect(response.headers.get('upgrade')).toBe('websocket');
  });

  it('where there is no WebSocket is a plain request', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const bytes = rawHandshake('/v1/auth/profile', { Connection: 'Upgrade, close' });
    const { statuses } = await exchangeRaw(gateway.port, bytes);

    expect(statuses).toEqual([200]);
    expect(service.bytes()).not.toMatch(/upgrade|sec-websocket-key: x/i);
  });
});

describe('a token', () => {
  it.each([
    ['the Authorization header', CHAT, { Authorization: `Bearer ${token}` }, [], '?conversation_id=7'],
    ['?access_token=', `${CHAT}&access_token=${token}`, {}, [], '?conversation_id=7'],
    ['?token= in front of the rest', `/v1/ws/chat?token=${token}&a=%7Bb`, {}, [], '?a=%7Bb'],
    ['?token= alone', `/v1/ws/chat?token=${token}`, {}, [], ''],
    ['a name that is encoded', `/v1/ws/chat?%74oken=${token}&b`, {}, [], '?b'],
    ['a subprotocol', CHAT, {}, ['chat.v1', `bearer.${token}`], '?conversation_id=7'],
    [
      'the header, which comes before the query',
      `${CHAT}&token=garbage`,
      { Authorization: `Bearer ${token}` },
      [],
      '?conversation_id=7',
    ],
  ])('comes from %s, and goes on as Authorization alone', async (_name, path, headers, protocols, query) => {
    await using service = await startSocketService(() => {}, {
      handleProtocols: (offered) => [...offered][0] ?? false,
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, LOG_LEVEL: 'trace' } });

    await using client = await openSocket(gateway, path, { headers, protocols: [...protocols] });
    const { handshake } = await service.connection(0);

    expect(handshake.headers.authorization).toBe(`Bearer ${token}`);
    expect(handshake.url).toBe(`/v1/ws/chat${query}`);
    expect(handshake.headers['sec-websocket-protocol']).toBe(protocols.length > 0 ? 'chat.v1' : undefined);
    expect(client.socket.protocol).toBe(protocols.length > 0 ? 'chat.v1' : '');
    await gateway.logged({ message: 'request', status: 101 });
    expect(JSON.stringify(gateway.logs)).not.toContain(token.split('.')[1]);
    expect(JSON.stringify(client.handshake.rawHeaders)).not.toContain(token);
  });
});

describe('the subprotocol', () => {
  it('is the one that the service chose', async () => {
    await using service = await startSocketService(() => {}, { handleProtocols: () => 'b' });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await using client = await openSocket(gateway, CHAT, { protocols: ['a', 'b'] });

    expect(client.socket.protocol).toBe('b');
  });

  it('is none where the service chose none', async () => {
    await using service = await startSocketService(() => {}, { handleProtocols: () => false });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawHandshake(CHAT, { 'Sec-WebSocket-Protocol': 'a, b' }));

    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101 /);
    expect(client.text).not.toMatch(/sec-websocket-protocol/i);
  });

  it('that the client did not offer is a 502', async () => {
    await using service = await startRawService((socket) => {
      socket.once('data', (bytes: Buffer) => {
        const key = /Sec-WebSocket-Key: (.*)\r/.exec(bytes.toString())![1]!;
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            `Sec-WebSocket-Accept: ${acceptOf(key)}\r\nSec-WebSocket-Protocol: other\r\n\r\n`,
        );
      });
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await expect(openSocket(gateway)).rejects.toThrow('502');
    expect(await gateway.logged({ status: 502 })).toMatchObject({ error_code: 'UPSTREAM_INVALID_RESPONSE' });
  });
});

describe('what the service gets', () => {
  it('is the request with its own headers, the forwarded ones, and no more', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await using client = await openSocket(gateway, CHAT, {
      headers: {
        ...bearer(),
        Cookie: 'a=1',
        'X-Own': ['1', '2'],
        'X-User-Id': 'spoofed',
        'X-Forwarded-For': '203.0.113.9',
        'Sec-WebSocket-Extensions': 'permessage-deflate',
      },
    });
    const { headers } = (await service.connection(0)).handshake;

    expect(headers).toMatchObject({
      cookie: 'a=1',
      'x-own': '1, 2',
      'x-forwarded-for': '127.0.0.1',
      'x-request-id': client.handshake.headers['x-request-id'],
      'sec-websocket-version': '13',
    });
    expect(headers).not.toHaveProperty('x-user-id');
    expect(headers).not.toHaveProperty('sec-websocket-extensions');
    expect(client.handshake.headers).not.toHaveProperty('sec-websocket-extensions');
  });

  it.each([
    ['https://app.example', { CORS_ALLOWED_ORIGINS: 'https://app.example,https://b.example' }],
    ['http://localhost:3000', {}],
  ])('has %s as the Origin of a client that has none', async (origin, env: Record<string, string>) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, ...env } });

    await using _client = await openSocket(gateway);

    expect((await service.connection(0)).handshake.headers.origin).toBe(origin);
  });

  it('has the Origin of a client that has one, and the client gets CORS headers', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    const Origin = 'http://localhost:8080';

    await using client = await openSocket(gateway, CHAT, { headers: { ...bearer(), Origin } });

    expect((await service.connection(0)).handshake.headers.origin).toBe(Origin);
    expect(client.handshake.headers['access-control-allow-origin']).toBe(Origin);
  });

  it('comes under the path that an alias stands for', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });

    await using _one = await openSocket(gateway, SIGNALING);
    await using _two = await openSocket(gateway, '/v1/ws/signaling?call_id=8');

    expect((await service.connection(0)).handshake.url).toBe(SIGNALING);
    expect((await service.connection(1)).handshake.url).toBe('/v1/calls/ws/signaling?call_id=8');
  });

  it('is what the client sent right behind its request, in order, though the service opens later', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(
      Buffer.concat([
        Buffer.from(rawHandshake()),
        frame(OPCODE.text, 'one'),
        frame(OPCODE.text, 'two'),
        frame(OPCODE.text, 'three').subarray(0, 5),
      ]),
    );
    await client.until(/101 Switching/);
    client.write(frame(OPCODE.text, 'three').subarray(5));

    expect(await (await service.connection(0)).received(3)).toEqual(['one', 'two', 'three']);
    await client.until(/one.*two.*three/s);
  });

  it('comes to the client whole, where the service speaks in the packet of its 101', async () => {
    await using service = await startRawService((socket) => {
      socket.once('data', (bytes: Buffer) => {
        const key = /Sec-WebSocket-Key: (.*)\r/.exec(bytes.toString())![1]!;
        const head =
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Accept: ${acceptOf(key)}\r\nSet-Cookie: a=1\r\n\r\n`;
        socket.write(Buffer.concat([Buffer.from(head), frame(OPCODE.text, 'first', { masked: false })]));
      });
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await using client = await openSocket(gateway);

    expect(await client.received(1)).toEqual(['first']);
    expect(client.handshake.headers['set-cookie']).toEqual(['a=1']);
  });
});

describe('a service that refuses', () => {
  it('has its status, headers and body passed on', async () => {
    await using service = await startService((_request, response) => {
      response.writeHead(403, {
        'Content-Type': 'application/json',
        'X-Reason': 'rooms',
        'Keep-Alive': 'timeout=9',
      });
      response.end('{"success":false,"error":{"code":"NOT_A_MEMBER","message":"No"}}');
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { text, statuses, json } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([403]);
    expect(json).toEqual({ success: false, error: { code: 'NOT_A_MEMBER', message: 'No' } });
    expect(text).toMatch(/^X-Reason: rooms\r$/m);
    expect(text).not.toMatch(/keep-alive/i);
    await gateway.logged({ message: 'request', status: 403, upstream: 'chat-service' });
  });

  it('without a body has an error made for it', async () => {
    await using service = await startService((_request, response) => response.writeHead(404).end());
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { statuses, json } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([404]);
    expect(json).toMatchObject({ error: 'Not Found', service: 'chat-service' });
  });
});

describe('a service that fails before its 101', () => {
  it.each([
    ['is not there', undefined, 502, 'UPSTREAM_UNREACHABLE'],
    ['resets', 'reset', 502, 'UPSTREAM_DISCONNECTED'],
    ['ends', 'end', 502, 'UPSTREAM_DISCONNECTED'],
    ['sends garbage', 'SSH-2.0-OpenSSH_9.2\r\n', 502, 'UPSTREAM_INVALID_RESPONSE'],
    [
      'accepts with another key',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      502,
      'UPSTREAM_INVALID_RESPONSE',
    ],
    ['stays silent', '', 504, 'UPSTREAM_TIMEOUT'],
  ])('(%s) is one JSON error', async (_name, act, status, code) => {
    await using service = await startRawService((socket) => {
      socket.once('data', () => {
        if (act === 'reset') socket.resetAndDestroy();
        else if (act === 'end') socket.end();
        else if (act !== undefined) socket.write(act);
      });
    });
    const env = { ...(act !== undefined && { CHAT_SERVICE_URL: service.url }), ...SHORT_CLOCKS };
    await using gateway = await startGateway({ env });

    const { statuses, json } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([status]);
    expect(json).toMatchObject({ service: 'chat-service', request_id: expect.any(String) });
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ status, error_code: code });
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  it('costs a client that leaves meanwhile nothing, and the service no connection', async () => {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    await using service = await startRawService((socket) => {
      socket.once('data', () => ask());
      socket.once('close', () => leave());
      socket.once('end', () => socket.end());
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());
    await asked;

    client.socket.resetAndDestroy();

    await left;
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ status: 499 });
  });
});

describe('the number of sockets', () => {
  it.each([
    ['of one user', { WEBSOCKET_CONNECTIONS_PER_USER: '2' }, true],
    ['of all users', { WEBSOCKET_CONNECTIONS: '2' }, false],
  ])('%s is bounded: 429, until one closes', async (_name, env: Record<string, string>, isOneUser) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, ...env } });
    const mine = bearer();
    const open = () => openSocket(gateway, CHAT, { headers: isOneUser ? mine : bearer() });
    await using one = await open();
    await using _two = await open();

    await expect(open()).rejects.toThrow('429');
    expect(await gateway.logged({ status: 429 })).toMatchObject({ error_code: 'TOO_MANY_CONNECTIONS' });
    if (isOneUser) await (await openSocket(gateway, CHAT, { headers: bearer() }))[Symbol.asyncDispose]();

    one.socket.close();
    await gateway.logged({ message: 'websocket closed', code: 1005 });
    await using _three = await open();
  });

  it('counts those whose handshake is on its way, and gives back those that failed', async () => {
    await using service = await startService((_request, response) => void response.writeHead(500).end());
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_CONNECTIONS_PER_USER: '1' },
    });
    const headers = bearer();

    for (let each = 0; each < 3; each++) {
      await expect(openSocket(gateway, CHAT, { headers })).rejects.toThrow('500');
    }
    const both = await Promise.allSettled([1, 2].map(() => openSocket(gateway, CHAT, { headers })));

    expect(both.map((result) => String((result as PromiseRejectedResult).reason)).toSorted()).toEqual([
      expect.stringContaining('429'),
      expect.stringContaining('500'),
    ]);
  });
});

/** A team's module with one WebSocket row, and with a class that names its path unless told otherwise. */
function moduleOf(websocket: WebSocketPolicy, hasClass = true): Type {
  @Upstream({
    name: 'other-service',
    instances: { compose: ['http://127.0.0.1:9'], local: ['http://127.0.0.1:9'] },
    routes: [{ methods: ['GET'], path: '/v1/ws/other', websocket }],
  })
  class OtherUpstream {}
  @WebSocketGateway({ path: '/v1/ws/other' })
  class OtherGateway {}
  @Module({ providers: hasClass ? [OtherUpstream, OtherGateway] : [OtherUpstream] })
  class OtherModule {}
  return OtherModule;
}

describe('the policy of a row', () => {
  it('comes before what the environment says', async () => {
    const policy = { messageLimitBytes: 10, messagesPerSecond: 5, connectionsPerUser: 1, connections: 2 };
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      modules: [moduleOf(policy)],
      env: { OTHER_SERVICE_URL: service.url, CHAT_SERVICE_URL: service.url },
    });
    const headers = bearer();
    const open = (as = bearer()) => openSocket(gateway, '/v1/ws/other', { headers: as });
    await using large = await open(headers);
    await using fast = await open();

    await expect(open(headers)).rejects.toThrow('429');
    await expect(open()).rejects.toThrow('429');
    large.send('ten bytes.');
    await large.received(1);
    large.send('eleven byte');
    for (let each = 0; each < 20; each++) fast.send('x');

    expect(await large.closed).toMatchObject({ code: 1009 });
    expect(await fast.closed).toMatchObject({ code: 1008 });
    await using chat = await openSocket(gateway, CHAT, { headers });
    chat.send('x'.repeat(1_000));
    await chat.received(1);
  });
});

describe('the boot stops', () => {
  it('at a row without its class', async () => {
    await expect(startGateway({ modules: [moduleOf({}, false)] })).rejects.toThrow(
      'No @WebSocketGateway() class names /v1/ws/other (other-service)',
    );
  });

  it('at a row whose messages would be too large', async () => {
    const module = moduleOf({ messageLimitBytes: 16 * 1024 * 1024 + 1 });

    await expect(startGateway({ modules: [module] })).rejects.toThrow(
      '/v1/ws/other (other-service) has a messageLimitBytes above 16777216',
    );
  });

  it('at a class without its row', async () => {
    @WebSocketGateway({ path: '/v1/ws/other' })
    class OtherGateway {}
    @Module({ providers: [OtherGateway] })
    class OtherModule {}

    await expect(startGateway({ modules: [OtherModule] })).rejects.toThrow(
      '@WebSocketGateway() names /v1/ws/other, which no WebSocket row has',
    );
  });
});

describe('a connection', () => {
  it('that served HTTP before becomes a socket that outlives its keep-alive', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, CLIENT_KEEP_ALIVE_MS: '100' },
    });
    await using client = await RawClient.connect(gateway.port);
    client.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(/healthy/);
    client.write(rawHandshake());
    await client.until(/101 Switching/);
    await using idle = await RawClient.connect(gateway.port);
    idle.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
    // It idles as long as the socket does, and is closed for it.
    await once(idle.socket, 'close');

    client.write(frame(OPCODE.text, 'still here'));

    await client.until(/still here/);
  });
});

describe('a handshake behind a request that has no answer yet', () => {
  it('is a plain request, answered in its turn', async () => {
    await using service = await startService((_request, response) => {
      service.server.once('go on', () => response.end('first'));
      service.server.emit('asked');
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    const asked = once(service.server, 'asked');

    client.write(rawRequest('GET /v1/auth/profile') + rawHandshake(CHAT, { Connection: 'Upgrade, close' }));
    await asked;
    service.server.emit('go on');
    const { statuses } = await client.ended();

    expect(statuses).toEqual([200, 426]);
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });
});

describe('the recording of a handshake', () => {
  it('has the bytes of a target as the client wrote them', async () => {
    await using service = await startRecordingService(
      'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n',
    );
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await exchangeRaw(gateway.port, rawHandshake(`/v1/ws/chat?q='"<>|{}^&r=%C3%A9`));

    expect(service.requests[0]!.line).toBe(`GET /v1/ws/chat?q='"<>|{}^&r=%C3%A9 HTTP/1.1`);
    expect(valuesOf(service.requests[0]!, 'host')).toEqual(['gateway']);
    expect(valuesOf(service.requests[0]!, 'connection')).toEqual(['Upgrade']);
  });
});
