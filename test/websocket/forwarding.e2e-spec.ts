import { UpstreamRegistry } from '@app/proxy/internal';
import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { startRecordingService, valuesOf } from '../support/recording-service.js';
import { startRawService } from '../support/service.js';
import {
  acceptingAnswer,
  CHAT,
  echo,
  frame,
  OPCODE,
  openSocket,
  rawHandshake,
  SIGNALING,
  startSocketService,
} from '../support/websocket.js';

describe('a handshake', () => {
  it('is looked up once in the route table', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    const find = jest.spyOn(gateway.app.get(UpstreamRegistry), 'find');

    await using _client = await openSocket(gateway);

    expect(find).toHaveBeenCalledTimes(1);
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

  it('has no Origin if the client has none', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, CORS_ALLOWED_ORIGINS: 'https://app.example' },
    });

    await using _client = await openSocket(gateway);

    expect((await service.connection(0)).handshake.headers).not.toHaveProperty('origin');
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
        const head = acceptingAnswer(bytes, 'Set-Cookie: a=1\r\n');
        socket.write(Buffer.concat([Buffer.from(head), frame(OPCODE.text, 'first', { masked: false })]));
      });
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await using client = await openSocket(gateway);

    expect(await client.received(1)).toEqual(['first']);
    expect(client.handshake.headers['set-cookie']).toEqual(['a=1']);
  });
});

describe('the recording of a handshake', () => {
  it('has the bytes of a target as the client wrote them', async () => {
    await using service = await startRecordingService(
      'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n',
    );
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await exchangeRaw(gateway.port, rawHandshake(`/v1/ws/chat?q='|{}^&r=%C3%A9`));

    expect(service.requests[0]!.line).toBe(`GET /v1/ws/chat?q='|{}^&r=%C3%A9 HTTP/1.1`);
    expect(valuesOf(service.requests[0]!, 'host')).toEqual(['gateway']);
    expect(valuesOf(service.requests[0]!, 'connection')).toEqual(['Upgrade']);
  });
});
