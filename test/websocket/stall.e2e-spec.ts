import { once } from 'node:events';
import { startGateway } from '../support/gateway.js';
import { bufferedBytes, untilBuffered } from '../support/metrics.js';
import { startRawService } from '../support/service.js';
import {
  acceptingAnswer,
  closeCodeOf,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  SIGNALING,
  startSocketService,
  type SocketEnd,
} from '../support/websocket.js';

const MIB = 1024 * 1024;

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
    expect(await bufferedBytes(gateway)).toBeLessThan(MIB);
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
        WEBSOCKET_STALL_TIMEOUT_MS: '300',
        WEBSOCKET_MAX_MESSAGES_PER_SECOND: '100000',
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
    await untilBuffered(gateway, (bytes) => bytes === 0);
  });
});

describe('a peer that asks and does not read the answers', () => {
  it('is closed with 1013: a client that pings', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        WEBSOCKET_STALL_TIMEOUT_MS: '300',
        WEBSOCKET_MAX_MESSAGES_PER_SECOND: '100000',
      },
    });
    await using client = await openRawSocket(gateway, service);
    client.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(OPCODE.ping, Buffer.alloc(125))));
    const line = gateway.logged({ message: 'websocket closed' });

    while (!gateway.logs.some(({ message }) => message === 'websocket closed')) {
      client.socket.write(pings);
      await new Promise(setImmediate);
      if (client.socket.writableLength > 4 * MIB) {
        // The gateway may close the connection with bytes of it unread, which resets it.
        await Promise.race([once(client.socket, 'drain').catch(() => {}), line]);
      }
      expect(await bufferedBytes(gateway)).toBeLessThan(MIB);
    }

    expect(await line).toMatchObject({ code: 1013, closed_by: 'gateway' });
  });

  it('is closed with 1013: a service that pings', async () => {
    const ping = frame(OPCODE.ping, Buffer.alloc(125), { masked: false });
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => ping));
    await using service = await startRawService((socket) => {
      socket.once('data', (head: Buffer) => {
        socket.pause().write(acceptingAnswer(head));
        const more = (): void => {
          while (!socket.destroyed && socket.write(pings));
        };
        socket.on('drain', more);
        more();
      });
    });
    await using gateway = await startGateway({
      env: { VIDEO_SERVICE_URL: service.url, WEBSOCKET_STALL_TIMEOUT_MS: '300' },
    });
    await using client = await openSocket(gateway, SIGNALING);

    expect(await client.closed).toEqual({ code: 1013, reason: 'service does not read' });
    await untilBuffered(gateway, (bytes) => bytes === 0);
  });
});

describe('a message', () => {
  it('that does not get on closes its socket with 1013, though the client answers pings', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        WEBSOCKET_STALL_TIMEOUT_MS: '300',
        WEBSOCKET_PING_INTERVAL_MS: '100',
      },
    });
    await using client = await openRawSocket(gateway, service);
    client.write(frame(OPCODE.binary, Buffer.alloc(100), { fin: false }));
    client.socket.on('data', (text: string) => {
      if (text.includes('\x89')) client.write(frame(OPCODE.pong, '0'));
    });

    expect(await closeCodeOf(client)).toBe(1013);
    expect(client.text).toContain('message too slow');
  });
});
