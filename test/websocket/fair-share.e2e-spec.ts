import type { Socket } from 'node:net';
import { bearer, startGateway } from '../support/gateway.js';
import { bufferedBytes, untilBuffered } from '../support/metrics.js';
import { startRawService } from '../support/service.js';
import {
  acceptingAnswer,
  CHAT,
  closeCodeOf,
  echo,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  rawHandshake,
  SIGNALING,
  startSocketService,
} from '../support/websocket.js';

const MIB = 1024 * 1024;
const KIB = 1024;

/** The beginning of a message that never ends. */
function begun(bytes: number, masked = true): Buffer {
  return frame(OPCODE.binary, Buffer.alloc(bytes), { fin: false, masked });
}

const MESSAGE = 'm'.repeat(200 * KIB);

describe('a full budget', () => {
  it('costs the user who holds most a socket, the one that holds most, and nobody else', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_BUFFER_BYTES: String(MIB) },
    });
    const handshake = rawHandshake(undefined, bearer());
    await using small = await openRawSocket(gateway, service, handshake);
    await using large = await openRawSocket(gateway, service, handshake);
    await using middle = await openRawSocket(gateway, service, handshake);
    await using other = await openSocket(gateway);
    small.write(begun(250 * KIB));
    middle.write(begun(320 * KIB));
    large.write(begun(400 * KIB));
    await untilBuffered(gateway, (bytes) => bytes > 970 * KIB);

    other.send(MESSAGE);

    expect(await other.received(1)).toEqual([MESSAGE]);
    expect(await closeCodeOf(large)).toBe(1013);
    for (const kept of [small, middle]) kept.write(frame(OPCODE.continuation, 'end'));
    expect((await small.peer.received(1))[0]).toHaveLength(250 * KIB + 3);
    expect((await middle.peer.received(1))[0]).toHaveLength(320 * KIB + 3);
  });

  it('costs the service that holds most a socket, and no socket of other services', async () => {
    await using flooding = await startRawService((socket: Socket) => {
      socket.once('data', (head: Buffer) => {
        socket.write(Buffer.concat([Buffer.from(acceptingAnswer(head)), begun(320 * KIB, false)]));
      });
    });
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: flooding.url,
        VIDEO_SERVICE_URL: service.url,
        WEBSOCKET_MAX_BUFFER_BYTES: String(MIB),
      },
    });
    await using clients = new AsyncDisposableStack();
    for (let each = 0; each < 3; each++) clients.use(await openSocket(gateway));
    await using other = await openSocket(gateway, SIGNALING);
    await untilBuffered(gateway, (bytes) => bytes > 900 * KIB);

    other.send(MESSAGE);

    expect(await other.received(1)).toEqual([MESSAGE]);
    const line = await gateway.logged({ message: 'websocket closed' });
    expect(line).toMatchObject({ code: 1013, closed_by: 'gateway', path: '/v1/ws/chat' });
  });

  it('costs a user whose sockets do not read one of them, and nobody else', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_BUFFER_BYTES: String(MIB) },
    });
    const headers = bearer();
    await using one = await openSocket(gateway, CHAT, { headers });
    await using two = await openSocket(gateway, CHAT, { headers });
    await using other = await openRawSocket(gateway, service);
    one.socket.pause();
    two.socket.pause();
    while ((await bufferedBytes(gateway)) < 600 * KIB) {
      for (const peer of service.connections.slice(0, 2)) peer.send(Buffer.alloc(300 * KIB));
    }

    other.write(begun(500 * KIB));

    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({ code: 1013 });
    other.write(frame(OPCODE.ping, 'there?'));
    expect(await other.until(/there\?/)).not.toContain('\x88');
  });
});

describe('a message in very many fragments', () => {
  it.each([
    ['of one byte', 'a'],
    ['without a byte', ''],
  ])('%s cannot hold memory for each: a client is closed with 1008', async (_what, payload) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openRawSocket(gateway, service);
    const rest = Array.from({ length: 1_024 }, () => frame(OPCODE.continuation, payload, { fin: false }));

    client.write(Buffer.concat([frame(OPCODE.text, 'a', { fin: false }), ...rest]));

    expect(await closeCodeOf(client)).toBe(1008);
  });

  it('is no message of a service: its client is closed with 1014', async () => {
    const rest = Array.from({ length: 1_024 }, () =>
      frame(OPCODE.continuation, '', { fin: false, masked: false }),
    );
    await using service = await startRawService((socket: Socket) => {
      socket.once('data', (head: Buffer) => {
        socket.write(Buffer.concat([Buffer.from(acceptingAnswer(head)), begun(1, false), ...rest]));
      });
    });
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway, SIGNALING);

    expect(await client.closed).toMatchObject({ code: 1014 });
  });
});
