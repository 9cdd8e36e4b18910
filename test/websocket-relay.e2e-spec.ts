import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { bearer, startGateway } from './support/gateway.js';
import { RawClient } from './support/raw-client.js';
import {
  CHAT,
  echo,
  frame,
  OPCODE,
  openSocket,
  rawHandshake,
  startSocketService,
  type SocketEnd,
} from './support/websocket.js';

const SIGNALING = '/v1/calls/ws/signaling?call_id=7';
const MIB = 1024 * 1024;

describe('messages', () => {
  it('pass both ways whole and in order: text, binary, empty, large', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);
    const sent = [
      'text',
      'caf\u00e9 \u{1f600}',
      '',
      Buffer.alloc(0),
      randomBytes(1_000),
      randomBytes(MIB),
      'z'.repeat(MIB),
      'last',
    ];

    for (const message of sent) client.send(message);

    expect(await client.received(sent.length)).toEqual(sent);
  });

  it('pass in order where many come at once', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MESSAGES_PER_SECOND: '100000' },
    });
    await using client = await openSocket(gateway);
    const sent = Array.from({ length: 5_000 }, (_, index) => `message ${index}`);

    for (const message of sent) client.send(message);

    expect(await client.received(sent.length)).toEqual(sent);
  });

  it('pass where the service speaks first and often', async () => {
    const said = Array.from({ length: 1_000 }, (_, index) => `event ${index}`);
    await using service = await startSocketService(({ socket }) => said.forEach((text) => socket.send(text)));
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await using client = await openSocket(gateway);

    expect(await client.received(said.length)).toEqual(said);
  });

  it('are counted, by direction, while the socket is open and after', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    const client = await openSocket(gateway);
    client.send('12345');
    client.send('678');
    await client.received(2);
    const read = async (): Promise<string> => (await fetch(`${gateway.url}/metrics`)).text();
    const labels = (rest: string): string => `{endpoint="/v1/ws/chat"${rest},service="api-gateway"}`;

    const during = await read();
    client.socket.close(4_242);
    await client.closed;
    const line = await gateway.logged({ message: 'websocket closed' });
    const after = await read();

    expect(during).toContain(`websocket_connections${labels('')} 1\n`);
    expect(after).toContain(`websocket_connections${labels('')} 0\n`);
    for (const text of [during, after]) {
      expect(text).toContain(`websocket_messages_total${labels(',direction="in"')} 2\n`);
      expect(text).toContain(`websocket_bytes_total${labels(',direction="out"')} 8\n`);
    }
    expect(after).toContain(`websocket_closes_total${labels(',code="4xxx",by="client"')} 1\n`);
    expect(after).toMatch(/^websocket_handshake_duration_seconds_count\{.*\} 1$/m);
    const opened = await gateway.logged({ message: 'request', status: 101 });
    expect(line).toMatchObject({
      request_id: opened['request_id'],
      code: 4_242,
      closed_by: 'client',
      messages_in: 2,
      bytes_out: 8,
      messages_lost: 0,
    });
  });
});

describe('a close', () => {
  it.each([
    [1000, 'done'],
    [1001, ''],
    [1011, 'caf\u00e9'],
    [3000, 'x'.repeat(123)],
    [4999, 'own'],
  ])('with %d passes from the client to the service', async (code, reason) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);

    client.socket.close(code, reason);

    expect(await (await service.connection(0)).closed).toEqual({ code, reason });
    expect(await client.closed).toEqual({ code, reason });
  });

  it.each([
    [1000, 'done'],
    [1001, 'going'],
    [1008, 'rules'],
    [1012, 'restart'],
    [4000, 'own'],
  ])('with %d passes from the service to the client', async (code, reason) => {
    await using service = await startSocketService(({ socket }) => socket.close(code, reason));
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway, SIGNALING);

    expect(await client.closed).toEqual({ code, reason });
    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({
      code,
      closed_by: 'service',
    });
  });

  it('without a code stays without one, both ways', async () => {
    await using service = await startSocketService(({ socket }) => {
      socket.on('message', () => socket.close());
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using one = await openSocket(gateway);
    await using two = await openSocket(gateway);

    one.socket.close();
    two.send('close it');

    expect(await (await service.connection(0)).closed).toEqual({ code: 1005, reason: '' });
    expect(await two.closed).toEqual({ code: 1005, reason: '' });
  });

  it('of a service that breaks off without one is 1012 for the client', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway, SIGNALING);

    (await service.connection(0)).stream.resetAndDestroy();

    expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({
      code: 1006,
      closed_by: 'service',
    });
  });

  it.each(['reset', 'end'] as const)(
    'of a client that breaks off by a %s ends the service side',
    async (end) => {
      await using service = await startSocketService();
      await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
      await using client = await openSocket(gateway);

      if (end === 'reset') client.stream.resetAndDestroy();
      else client.stream.end();

      expect(await (await service.connection(0)).closed).toEqual({ code: 1001, reason: 'client gone' });
      expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({
        code: 1006,
        closed_by: 'client',
      });
    },
  );

  it('just after the 101 is no harm, from either side', async () => {
    await using service = await startSocketService(({ stream }) => stream.resetAndDestroy());
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    for (let each = 0; each < 10; each++) {
      await using leaver = await RawClient.connect(gateway.port);
      leaver.write(rawHandshake(SIGNALING));
      leaver.socket.resetAndDestroy();
      await using client = await openSocket(gateway, SIGNALING);
      expect(await client.closed).toEqual({ code: 1012, reason: 'service restart' });
    }

    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    expect(gateway.logs.filter(({ message }) => message === 'unexpected error')).toEqual([]);
  });

  it('of a service that sends what no client may get is 1014', async () => {
    await using service = await startSocketService(
      ({ stream }) => void stream.write(Buffer.from([0xff, 0x00])),
    );
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);

    expect(await client.closed).toEqual({ code: 1014, reason: 'bad gateway' });
  });
});

/** Sends until told to stop, and counts what the peer's buffers and the gateway's have taken. */
function flood({ socket }: SocketEnd, chunk: Buffer): () => number {
  let sent = 0;
  const more = (): void => {
    if (socket.readyState !== socket.OPEN) return;
    sent += chunk.length;
    socket.send(chunk, () => setImmediate(more));
  };
  more();
  return () => sent;
}

/** Resolves once the figure has not grown over several turns of the event loop and the network. */
async function standsStill(figure: () => number, gateway: { readonly url: string }): Promise<void> {
  for (let before = -1, same = 0; same < 20;) {
    await fetch(`${gateway.url}/health`);
    same = figure() === before ? same + 1 : 0;
    before = figure();
  }
}

describe('a peer that does not read', () => {
  it('holds the other back with bounded memory, and goes on where it left off', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);
    client.socket.pause();
    const end = await service.connection(0);
    const sent = flood(end, Buffer.alloc(64 * 1024));

    await standsStill(sent, gateway);
    expect(sent()).toBeLessThan(64 * MIB);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    const held = Number(/websocket_buffered_bytes\{.*\} (\d+)/.exec(metrics)![1]);
    expect(held).toBeLessThan(MIB);
    client.socket.resume();
    const target = sent() + 8 * MIB;
    await client.until(() => client.messages.length * 64 * 1024 > target);

    end.socket.terminate();
  });

  it.each(['client', 'service'] as const)('for too long is closed with 1013: the %s', async (who) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        WEBSOCKET_STALL_MS: '300',
        WEBSOCKET_MESSAGES_PER_SECOND: '100000',
      },
    });
    await using client = await openSocket(gateway);
    const end = await service.connection(0);
    const [reader, writer] = who === 'client' ? [client, end] : [end, client];
    reader.socket.pause();
    flood(writer, Buffer.alloc(64 * 1024));

    const line = await gateway.logged({ message: 'websocket closed' });

    expect(line).toMatchObject({ code: 1013, closed_by: 'gateway' });
    if (who === 'service')
      expect(await client.closed).toEqual({ code: 1013, reason: 'service does not read' });
    // The service's side may take a moment longer; what both held is given back.
    while (!/websocket_buffered_bytes\{.*\} 0\n/.test(await (await fetch(`${gateway.url}/metrics`)).text()));
  });

  it('costs what all sockets together may hold, and not more', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        WEBSOCKET_MESSAGE_LIMIT_BYTES: String(16 * MIB),
        WEBSOCKET_BUFFER_BYTES: String(4 * MIB),
      },
    });
    const parts = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = await RawClient.connect(gateway.port);
        client.write(rawHandshake());
        await client.until(/101 Switching/);
        return client;
      }),
    );

    // Each sends a third of the budget of one message that never ends.
    const unfinished = frame(OPCODE.binary, Buffer.alloc(1.4 * MIB), { fin: false });
    for (const client of parts) client.write(unfinished);
    await gateway.logged({ message: 'websocket closed', code: 1013 });
    const held = gateway.logs.filter(({ message }) => message === 'websocket closed').length;

    expect(held).toBeGreaterThan(0);
    for (const client of parts) await client[Symbol.asyncDispose]();
    while (gateway.logs.filter(({ message }) => message === 'websocket closed').length < 8) {
      await fetch(`${gateway.url}/health`);
    }
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/websocket_buffered_bytes\{.*\} 0\n/);
  });
});

describe('a client that floods', () => {
  it('is closed with 1008 once it sends more messages than the route lets it', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MESSAGES_PER_SECOND: '10' },
    });
    await using client = await openSocket(gateway);

    for (let each = 0; each < 100; each++) client.send(String(each));

    expect(await client.closed).toEqual({ code: 1008, reason: 'too many messages' });
    const { messages } = await service.connection(0);
    expect(messages.length).toBeGreaterThanOrEqual(20);
    expect(messages.length).toBeLessThan(40);
    expect(messages).toEqual(messages.map((_, index) => String(index)));
  });
});

describe('pings of a client', () => {
  it('are all answered, though they come in one packet, and cost no message behind them', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    const pings = Array.from({ length: 126 }, () => frame(OPCODE.ping, 'p'));

    client.write(Buffer.concat([Buffer.from(rawHandshake()), ...pings, frame(OPCODE.text, 'behind')]));

    await client.until(/behind/);
    expect(client.text.match(/\x8a\x01p/g)).toHaveLength(126);
  });

  it('that flood close its socket with 1008', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);

    for (let each = 0; each < 1_000; each++) client.socket.ping('p');

    expect(await client.closed).toEqual({ code: 1008, reason: 'too many messages' });
  });
});

describe('a class of a route', () => {
  it('lets one user have a socket on each of two conversations', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    const headers = bearer();

    await using one = await openSocket(gateway, CHAT, { headers });
    await using two = await openSocket(gateway, '/v1/ws/chat?conversation_id=8', { headers });
    one.send('to 7');
    two.send('to 8');

    expect(await one.received(1)).toEqual(['to 7']);
    expect(await two.received(1)).toEqual(['to 8']);
    one.socket.close();
    await once(one.socket, 'close');
  });
});
