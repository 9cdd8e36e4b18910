import { once } from 'node:events';
import { connect } from 'node:net';
import { startGateway } from '../support/gateway.js';
import { bufferedBytes, untilBuffered } from '../support/metrics.js';
import {
  closeCodeOf,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  rawHandshake,
  startSocketService,
} from '../support/websocket.js';

const MIB = 1024 * 1024;

/** All but the last byte of a message. */
function almost(bytes: number): Buffer {
  return frame(OPCODE.binary, Buffer.alloc(bytes)).subarray(0, -1);
}

describe('the bytes that all sockets may hold', () => {
  it('bound what arrives behind a close for want of room, too', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_BUFFER_BYTES: String(MIB) },
    });
    await using one = await openRawSocket(gateway, service);
    await using two = await openRawSocket(gateway, service);
    one.write(almost(600 * 1024));
    await untilBuffered(gateway, (bytes) => bytes > 600 * 1024);

    two.write(almost(MIB));

    expect(await closeCodeOf(two)).toBe(1013);
    // Had it been read on, the socket would have taken it all; so most of it waits in the kernel, or with the client.
    await two.ended();
    expect(await bufferedBytes(gateway)).toBeLessThan(MIB);
    await one[Symbol.asyncDispose]();
    await untilBuffered(gateway, (bytes) => bytes === 0);
  });

  it('count each chunk of a message that comes byte by byte, of which there may be only so many', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openRawSocket(gateway, service);
    client.write(frame(OPCODE.binary, Buffer.alloc(MIB)).subarray(0, 14));
    let written = 0;

    const code = closeCodeOf(client);
    while (!client.text.includes('\x88') && written < 100_000) {
      client.socket.write(Buffer.alloc(1));
      written++;
      if (written === 1_000) {
        await untilBuffered(gateway, (bytes) => bytes > 100_000);
      }
      await new Promise(setImmediate);
    }

    expect(await code).toBe(1008);
    await untilBuffered(gateway, (bytes) => bytes === 0);
  });

  it('do not count control frames, which nobody keeps', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_MESSAGES_PER_SECOND: '100000' },
    });
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat(Array.from({ length: 10_000 }, () => frame(OPCODE.pong, 'unasked'))));
    client.write(frame(OPCODE.text, 'behind'));

    expect(await client.peer.received(1)).toEqual(['behind']);
    expect(await bufferedBytes(gateway)).toBe(0);
  });

  it('do not count what is thrown away behind a broken frame', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_BUFFER_BYTES: String(MIB) },
    });
    await using other = await openSocket(gateway);
    const peer = await service.connection(0);
    const flooder = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
    flooder.on('error', () => {}).write(rawHandshake());
    await once(flooder, 'data');

    // A message of 2^56 bytes.
    flooder.write(Buffer.from([0x82, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    await once(flooder, 'data');
    await new Promise((written) => flooder.write(Buffer.alloc(2 * MIB), written));
    other.send(Buffer.alloc(200 * 1024, 'x'));

    expect((await peer.received(1))[0]).toHaveLength(200 * 1024);
    flooder.destroy();
  });

  it('are never more than that, however many sockets ask for some', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        WEBSOCKET_MAX_MESSAGE_BYTES: String(16 * MIB),
        WEBSOCKET_MAX_BUFFER_BYTES: String(4 * MIB),
      },
    });
    await using clients = new AsyncDisposableStack();

    // Each sends a third of that, of a message that never ends.
    for (let each = 0; each < 8; each++) {
      const client = clients.use(await openRawSocket(gateway, service));
      client.write(frame(OPCODE.binary, Buffer.alloc(1.4 * MIB), { fin: false }));
    }
    const seen: number[] = [];
    while (!gateway.logs.some(({ code }) => code === 1013)) seen.push(await bufferedBytes(gateway));
    await clients.disposeAsync();

    expect(Math.max(...seen)).toBeGreaterThan(2.5 * MIB);
    expect(Math.max(...seen)).toBeLessThanOrEqual(4 * MIB);
    await untilBuffered(gateway, (bytes) => bytes === 0);
  });
});
