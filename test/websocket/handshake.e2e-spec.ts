import { once } from 'node:events';
import { bearer, startGateway, type LogLine } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { startRecordingService } from '../support/recording-service.js';
import { rawRequest } from '../support/raw-request.js';
import { startService } from '../support/service.js';
import { CHAT, echo, frame, OPCODE, rawHandshake, startSocketService } from '../support/websocket.js';

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
    error: 'Origin not allowed',
    logged: { error_code: 'ORIGIN_FORBIDDEN' },
  },
  'for an unknown path': { bytes: rawHandshake('/v1/ws/nowhere'), status: 404, error: 'Not found' },
  'for an ambiguous path': { bytes: rawHandshake('/v1/ws/../ws/chat'), status: 400, error: 'Invalid path' },
  'of another version': {
    bytes: rawHandshake(CHAT, { 'Sec-WebSocket-Version': '8' }),
    status: 426,
    error: 'Unsupported WebSocket version',
    header: /^Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r$/m,
  },
  'without a version': {
    bytes: rawHandshake(CHAT, { 'Sec-WebSocket-Version': '' }),
    status: 426,
    error: 'Unsupported WebSocket version',
    header: /^Upgrade: websocket\r$/m,
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
  'with a body': {
    bytes: `${rawHandshake(CHAT, { 'Content-Length': '5' })}hello`,
    status: 400,
    error: 'WebSocket handshake must have no body',
  },
  'with chunks': {
    bytes: `${rawHandshake(CHAT, { 'Transfer-Encoding': 'chunked' })}0\r\n\r\n`,
    status: 400,
    error: 'WebSocket handshake must have no body',
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

  it.each([
    ['as Firefox writes it', 'keep-alive, Upgrade', 'websocket'],
    ['in other cases', 'UPGRADE', 'WebSocket'],
    ['with empty elements', ', upgrade,,', 'websocket'],
  ])('is one %s', async (_how, connection, upgrade) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawHandshake(CHAT, { Connection: connection, Upgrade: upgrade }));

    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101 /);
  });

  it.each(['POST', 'PUT', 'DELETE'])('by %s is refused with 400', async (method) => {
    await using gateway = await startGateway();

    const bytes = rawHandshake(CHAT, { Connection: 'Upgrade, close', 'Content-Length': '0' });
    const { statuses, json } = await exchangeRaw(gateway.port, bytes.replace('GET', method));

    expect(statuses).toEqual([400]);
    expect(json).toMatchObject({ error: 'WebSocket handshake must be a GET' });
  });

  it.each(['websocket, h2c', 'h2c ,\tWebSocket'])(
    'may name other protocols beside: Upgrade: %j',
    async (upgrade) => {
      await using service = await startSocketService();
      await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
      await using client = await RawClient.connect(gateway.port);

      client.write(rawHandshake(CHAT, { Upgrade: upgrade }));

      expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101 /);
      expect((await service.connection(0)).handshake.headers.upgrade).toBe('websocket');
    },
  );

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
    expect(service.requests).toMatchObject([{ line: 'GET /v1/auth/profile HTTP/1.1' }]);
    expect(service.bytes()).not.toMatch(/upgrade/i);
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

describe('a connection', () => {
  it('that served HTTP before becomes a socket that outlives its keep-alive', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, CLIENT_KEEP_ALIVE_TIMEOUT_MS: '100' },
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
