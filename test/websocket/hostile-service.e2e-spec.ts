import type { Socket } from 'node:net';
import { GatewayProcess } from '../support/process.js';
import { bearer, startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithBuild } from '../support/requirements.js';
import { startRawService } from '../support/service.js';
import { acceptingAnswer, CHAT, openSocket, rawHandshake, startSocketService } from '../support/websocket.js';

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
  it.each([
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 204 No Content\r\n\r\n',
  ])('is a 502: %j', async (answer) => {
    await using service = await startAnswering((socket) => socket.end(answer));
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());

    const { statuses, json } = await client.ended();

    expect(statuses).toEqual([502]);
    expect(json).toMatchObject({ error: 'Service unavailable', service: 'chat-service' });
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

  it('in a header of the 101 costs that header, which could not be passed as it is', async () => {
    await using service = await startAnswering((socket, head) => {
      socket.write(Buffer.from(acceptingAnswer(head, 'X-Name: caf\xe9\r\nX-Plain: coffee\r\n'), 'latin1'));
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());

    const head = await client.until(/\r\n\r\n/);

    expect(head).toContain('X-Plain: coffee\r\n');
    expect(head).not.toContain('X-Name');
  });
});
