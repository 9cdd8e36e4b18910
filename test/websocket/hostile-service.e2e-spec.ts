import type { Socket } from 'node:net';
import { nextTurn } from '@app/proxy/internal';
import { GatewayProcess } from '../support/process.js';
import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { describeWithBuild } from '../support/requirements.js';
import { startRawService } from '../support/service.js';
import {
  acceptingAnswer,
  CHAT,
  frame,
  OPCODE,
  openSocket,
  rawHandshake,
  startSocketService,
} from '../support/websocket.js';

const SHORT_TIMEOUTS = {
  CONNECT_TIMEOUT_MS: '200',
  RESPONSE_HEADERS_TIMEOUT_MS: '300',
  REQUEST_TIMEOUT_MS: '600',
};

/** Writes again and again until the connection ends. */
function trickle(socket: Socket, bytes: string): void {
  const timer = setInterval(() => socket.write(bytes), 50);
  socket.once('close', () => clearInterval(timer));
}

function startAnswering(answer: (socket: Socket, head: string) => void) {
  return startRawService((socket) => {
    socket.once('data', (head: Buffer) => answer(socket, head.toString('latin1')));
  });
}

describe('a service that never comes to the end of', () => {
  it.each<[string, string, string]>([
    ['its headers', 'HTTP/1.1 101 Switching Protocols\r\nX-Long: ', 'a'],
    ['its interim answers', '', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['its refusal', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 10000\r\n\r\n', 'a'],
  ])('%s costs the client no more than the response headers may take', async (_what, first, then) => {
    await using service = await startAnswering((socket) => {
      if (first !== '') socket.write(first);
      trickle(socket, then);
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, ...SHORT_TIMEOUTS } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());

    const { statuses, json } = await client.ended();

    expect(statuses).toEqual([504]);
    expect(json).toMatchObject({ error: 'Service timed out', service: 'chat-service' });
  });
});

describe('a service whose answer is no answer to a handshake', () => {
  const inAccepting = (from: string, to: string) => (head: string) => acceptingAnswer(head).replace(from, to);

  it.each<[string, (head: string) => string]>([
    ['a bare 101', () => 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['a 101 to another protocol', inAccepting('Upgrade: websocket', 'Upgrade: h2c')],
    ['a 101 to two protocols', inAccepting('Upgrade: websocket', 'Upgrade: websocket\r\nUpgrade: h2c')],
    ['a 101 without Connection: Upgrade', inAccepting('Connection: Upgrade', 'Connection: keep-alive')],
    [
      'a 101 with two keys',
      inAccepting('Sec-WebSocket-Accept', 'Sec-WebSocket-Accept: x\r\nSec-WebSocket-Accept'),
    ],
    ['a 101 with an extension', (head) => acceptingAnswer(head, 'Sec-WebSocket-Extensions: x\r\n')],
    ['a 101 with a length', (head) => `${acceptingAnswer(head, 'Content-Length: 2\r\n')}ok`],
    ['a 101 with chunks', (head) => `${acceptingAnswer(head, 'Transfer-Encoding: chunked\r\n')}0\r\n\r\n`],
    [
      'a 101 past the limit of heads',
      (head) => acceptingAnswer(head, `X-Long: ${'a'.repeat(1_048_576)}\r\n`),
    ],
    ['half a 101', (head) => acceptingAnswer(head).slice(0, -10)],
    ['half a refusal', () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nhalf'],
    ['a 200', () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a 204', () => 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('is a 502: %s', async (_what, answer) => {
    await using service = await startAnswering((socket, head) => socket.end(answer(head)));
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());

    const { statuses, json } = await client.ended();

    expect(statuses).toEqual([502]);
    expect(json).toMatchObject({ error: 'Service unavailable', service: 'chat-service' });
  });
});

describe('a service that accepts', () => {
  const early = frame(OPCODE.text, 'early', { masked: false });

  it('behind interim responses, with a frame in the same write, opens the socket with that frame', async () => {
    await using service = await startAnswering((socket, head) => {
      const interim = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n';
      socket.write(Buffer.concat([Buffer.from(interim + acceptingAnswer(head)), early]));
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawHandshake());

    expect(await client.until(/early/)).toMatch(/^HTTP\/1\.1 101 /);
  });

  it('byte by byte opens the socket', async () => {
    await using service = await startAnswering((socket, head) => {
      socket.setNoDelay(true);
      void (async () => {
        for (const byte of Buffer.concat([Buffer.from(acceptingAnswer(head)), early])) {
          socket.write(Buffer.of(byte));
          await nextTurn();
        }
      })();
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawHandshake());

    expect(await client.until(/early/)).toMatch(/^HTTP\/1\.1 101 /);
  });
});

describe('a service that refuses', () => {
  it.each([
    ['a length', `Content-Length: 100000\r\n\r\n${'a'.repeat(100_000)}`],
    ['one chunk', `Transfer-Encoding: chunked\r\n\r\n186a0\r\n${'a'.repeat(100_000)}\r\n0\r\n\r\n`],
    ['the end of the connection', `\r\n${'a'.repeat(100_000)}`],
  ])('with a large body, delimited by %s, has its first 64 KiB passed on', async (_by, rest) => {
    await using service = await startAnswering((socket) => socket.end(`HTTP/1.1 403 Forbidden\r\n${rest}`));
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { text, statuses } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([403]);
    expect(text).toMatch(/^Content-Length: 65536\r$/m);
    expect(text).toMatch(/\r\n\r\na{65536}$/);
  });
});

describeWithBuild('garbage right behind a 101', () => {
  it('does not end the process, though the client leaves at the same moment', async () => {
    let client: RawClient | undefined;
    let leftFirst = 0;
    await using service = await startAnswering((socket, head) => {
      const bytes = Buffer.concat([
        Buffer.from(acceptingAnswer(head)),
        Buffer.from([0xff, 0xff, 0xff, 0xff]),
      ]);
      leftFirst++;
      client!.socket.resetAndDestroy();
      socket.write(bytes);
    });
    await using gateway = GatewayProcess.start({ CHAT_SERVICE_URL: service.url });
    const port = await gateway.port();

    for (let round = 0; round < 50; round++) {
      client = await RawClient.connect(port);
      client.write(rawHandshake());
      await client.ended();
    }

    expect(leftFirst).toBe(50);
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  });
});

describe('a handshake with bytes that few expect', () => {
  it('in its subprotocols is refused before it counts', async () => {
    await using service = await startAnswering((socket, head) => socket.write(acceptingAnswer(head)));
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_CONNECTIONS_PER_USER: '1' },
    });
    const user = bearer();
    for (let round = 0; round < 3; round++) {
      await using client = await RawClient.connect(gateway.port);
      // A no-break space is no whitespace of HTTP's.
      client.write(rawHandshake(CHAT, { ...user, 'Sec-WebSocket-Protocol': 'a,\xa0b' }));

      const { statuses, json } = await client.ended();

      expect(statuses).toEqual([400]);
      expect(json).toMatchObject({ error: 'Invalid Sec-WebSocket-Protocol header' });
    }
    expect(service.accepted()).toBe(0);
    await using socket = await openSocket(gateway, CHAT, { headers: user });
    expect(socket.socket.readyState).toBe(1);
  });

  it('as header names reaches the service as it was', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    const named = { constructor: 'c', valueOf: 'v', hasOwnProperty: 'h' };

    await using client = await openSocket(gateway, CHAT, { headers: { ...bearer(), ...named } });

    expect(client.socket.readyState).toBe(1);
    const { rawHeaders } = (await service.connection(0)).handshake;
    const sent = rawHeaders.flatMap((name, index) =>
      index % 2 === 0 && name in named ? [[name, rawHeaders[index + 1]]] : [],
    );
    expect(sent).toEqual(Object.entries(named));
  });

  it('as so many fields of a 101 reach the client to the last', async () => {
    await using service = await startAnswering((socket, head) => {
      socket.write(acceptingAnswer(head, `${'a: 1\r\n'.repeat(1_001)}Set-Cookie: last=1\r\n`));
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());

    expect(await client.until(/\r\n\r\n/)).toContain('Set-Cookie: last=1\r\n');
  });

  it('in a header of the 101 reaches the client as it was', async () => {
    await using service = await startAnswering((socket, head) => {
      socket.write(Buffer.from(acceptingAnswer(head, 'X-Name: caf\xe9\r\nX-Plain: coffee\r\n'), 'latin1'));
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());

    const head = await client.until(/\r\n\r\n/);

    expect(head).toContain('X-Name: caf\xe9\r\nX-Plain: coffee\r\n');
  });
});
