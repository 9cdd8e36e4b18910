import { once } from 'node:events';
import { connect } from 'node:net';
import { startGateway, type RunningGateway } from './support/gateway.js';
import type { RawClient } from './support/raw-client.js';
import { startRawService } from './support/service.js';
import {
  acceptOf,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  rawHandshake,
  startSocketService,
} from './support/websocket.js';

const MIB = 1024 * 1024;

/** What the sockets of the gateway hold, as it says itself. */
async function bufferedBytes({ url }: RunningGateway): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^websocket_buffered_bytes\{.*\} (\d+)$/m.exec(metrics)![1]);
}

/** Asks until it is so; the test's own time is the limit. */
async function untilBuffered(gateway: RunningGateway, isEnough: (bytes: number) => boolean): Promise<number> {
  for (;;) {
    const bytes = await bufferedBytes(gateway);
    if (isEnough(bytes)) return bytes;
  }
}

/** All but the last byte of a message. */
function almost(bytes: number): Buffer {
  return frame(OPCODE.binary, Buffer.alloc(bytes)).subarray(0, -1);
}

/** The code of the close frame that a client got. */
async function closeCodeOf(client: RawClient): Promise<number> {
  const text = await client.until(/\x88[\x02-\x7d]../s);
  const at = /\x88[\x02-\x7d]../s.exec(text)!.index;
  return Buffer.from(text.slice(at + 2, at + 4), 'latin1').readUInt16BE();
}

describe('the bytes that all sockets may hold', () => {
  it('bound what arrives behind a close for want of room, too', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_BUFFER_BYTES: String(MIB) },
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
    expect(await untilBuffered(gateway, (bytes) => bytes === 0)).toBe(0);
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
        expect(await untilBuffered(gateway, (bytes) => bytes > 100_000)).toBeGreaterThan(100_000);
      }
      await new Promise(setImmediate);
    }

    expect(await code).toBe(1008);
    expect(await untilBuffered(gateway, (bytes) => bytes === 0)).toBe(0);
  });

  it('do not count control frames, which nobody keeps', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MESSAGES_PER_SECOND: '100000' },
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
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_BUFFER_BYTES: String(MIB) },
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
});

describe('a peer that asks and does not read the answers', () => {
  it('is closed with 1013: a client that pings', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        WEBSOCKET_STALL_MS: '300',
        WEBSOCKET_MESSAGES_PER_SECOND: '100000',
      },
    });
    await using client = await openRawSocket(gateway, service);
    client.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(OPCODE.ping, Buffer.alloc(125))));
    const line = gateway.logged({ message: 'websocket closed' });

    while (!gateway.logs.some(({ message }) => message === 'websocket closed')) {
      client.socket.write(pings);
      await new Promise(setImmediate);
      if (client.socket.writableLength > 4 * MIB) await Promise.race([once(client.socket, 'drain'), line]);
      expect(await bufferedBytes(gateway)).toBeLessThan(MIB);
    }

    expect(await line).toMatchObject({ code: 1013, closed_by: 'gateway' });
  });

  it('is closed with 1013: a service that pings', async () => {
    const ping = frame(OPCODE.ping, Buffer.alloc(125), { masked: false });
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => ping));
    await using service = await startRawService((socket) => {
      socket.once('data', (head: Buffer) => {
        const key = /sec-websocket-key: *(\S+)/i.exec(head.toString())![1]!;
        socket
          .pause()
          .write(
            `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
          );
        const flood = (): void => {
          while (!socket.destroyed && socket.write(pings));
        };
        socket.on('drain', flood);
        flood();
      });
    });
    await using gateway = await startGateway({
      env: { VIDEO_SERVICE_URL: service.url, WEBSOCKET_STALL_MS: '300' },
    });
    await using client = await openSocket(gateway, '/v1/calls/ws/signaling');

    expect(await client.closed).toEqual({ code: 1013, reason: 'service does not read' });
    expect(await untilBuffered(gateway, (bytes) => bytes === 0)).toBe(0);
  });
});

describe('a client', () => {
  it('that floods with pongs nobody asked for is closed with 1008', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MESSAGES_PER_SECOND: '10' },
    });
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat(Array.from({ length: 1_000 }, () => frame(OPCODE.pong))));

    expect(await closeCodeOf(client)).toBe(1008);
  });

  it('whose message does not get on is closed with 1013, though it answers pings', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_STALL_MS: '300', WEBSOCKET_PING_MS: '100' },
    });
    await using client = await openRawSocket(gateway, service);
    client.write(frame(OPCODE.binary, Buffer.alloc(100), { fin: false }));
    client.socket.on('data', (text: string) => {
      if (text.includes('\x89')) client.write(frame(OPCODE.pong, '0'));
    });

    expect(await closeCodeOf(client)).toBe(1013);
    expect(client.text).toContain('message too slow');
  });

  it('in the middle of a long message is not asked whether it is there', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_PING_MS: '50' },
    });
    await using client = await openRawSocket(gateway, service);
    const message = frame(OPCODE.binary, Buffer.alloc(60_000, 'x'));
    const pings = (): number => client.text.split('\x89').length - 1;

    // Ten pings long, none of which can be answered.
    for (let at = 0, seen = pings(); at < message.length; at += 5_000, seen = pings()) {
      client.write(message.subarray(at, at + 5_000));
      while (pings() === seen && at + 5_000 < message.length) await once(client.socket, 'received');
    }

    expect((await client.peer.received(1))[0]).toHaveLength(60_000);
  });
});
