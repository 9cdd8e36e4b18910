import { setImmediate as turn } from 'node:timers/promises';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import {
  closeFrame,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  SIGNALING,
  type SocketEnd,
  type SocketService,
  startSocketService,
} from '../support/websocket.js';

/** Codes that a peer may send, those of the RFC, of the registry, of libraries and of applications. */
const CODES = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];

const REASONS = { none: '', short: 'bye', 'of 123 bytes': 'x'.repeat(123), 'of many alphabets': 'κόσμε 😀' };

let service: SocketService;
let gateway: RunningGateway;

beforeAll(async () => {
  service = await startSocketService();
  gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, VIDEO_SERVICE_URL: service.url } });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

const closes = [
  ...CODES.map((code) => [code, 'short', REASONS.short] as const),
  ...Object.entries(REASONS).map(([name, reason]) => [4001, name, reason] as const),
];

describe('a close of the client', () => {
  it.each(closes)(
    'with %i, the reason %s, is answered and goes to the service',
    async (code, _name, reason) => {
      await using client = await openRawSocket(gateway, service);

      client.write(closeFrame(code, reason));

      await expectAnswer(client, closeFrame(code, reason, false));
      await expectClosed(client.peer, code, reason, 'client');
    },
  );

  it('without a code goes to the service without one', async () => {
    await using client = await openRawSocket(gateway, service);

    client.write(frame(OPCODE.close));

    await expectAnswer(client, frame(OPCODE.close, '', { masked: false }));
    await expectClosed(client.peer, 1005, '', 'client');
  });

  it('gives up a message of which only a part has come', async () => {
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat([frame(OPCODE.text, 'part', { fin: false }), closeFrame(1000, 'bye')]));

    await expectAnswer(client, closeFrame(1000, 'bye', false));
    await expectClosed(client.peer, 1000, 'bye', 'client');
    expect(client.peer.messages).toEqual([]);
  });

  it('comes behind the messages that were sent before', async () => {
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat([frame(OPCODE.text, 'a'), frame(OPCODE.text, 'b'), closeFrame(1000, 'bye')]));

    await expectClosed(client.peer, 1000, 'bye', 'client');
    expect(client.peer.messages).toEqual(['a', 'b']);
  });

  it('is understood where it comes a byte at a time', async () => {
    await using client = await openRawSocket(gateway, service);

    for (const byte of closeFrame(4001, 'bye')) {
      client.write(Buffer.of(byte));
      await turn();
    }

    await expectAnswer(client, closeFrame(4001, 'bye', false));
    await expectClosed(client.peer, 4001, 'bye', 'client');
  });

  it.each([
    ['data', frame(OPCODE.text, 'late')],
    ['a ping', frame(OPCODE.ping, 'late')],
    ['a frame that is none', frame(3, 'late', { rsv: 7, masked: false })],
    ['a large message', frame(OPCODE.binary, Buffer.alloc(2_000_000))],
    ['another close', closeFrame(4002, 'second')],
  ])('is the end: %s behind it is ignored', async (_name, late) => {
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat([closeFrame(4001, 'first'), late]));

    await expectAnswer(client, closeFrame(4001, 'first', false));
    await expectClosed(client.peer, 4001, 'first', 'client');
    expect(client.peer.messages).toEqual([]);
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  it('that comes again, behind the answer, changes nothing', async () => {
    await using client = await openRawSocket(gateway, service);

    client.write(closeFrame(4001, 'first'));
    await client.until(/first$/);
    client.write(closeFrame(4002, 'second'));

    await expectClosed(client.peer, 4001, 'first', 'client');
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });
});

describe('a close of the service', () => {
  it.each(closes)(
    'with %i, the reason %s, is answered and goes to the client',
    async (code, _name, reason) => {
      const index = service.connections.length;
      await using client = await openSocket(gateway, SIGNALING);
      const peer = await service.connection(index);

      peer.socket.close(code, reason);

      expect(await client.closed).toEqual({ code, reason });
      await expectClosed(peer, code, reason, 'service');
    },
  );

  it('without a code goes to the client without one', async () => {
    const index = service.connections.length;
    await using client = await openSocket(gateway, SIGNALING);
    const peer = await service.connection(index);

    peer.socket.close();

    expect(await client.closed).toEqual({ code: 1005, reason: '' });
    await expectClosed(peer, 1005, '', 'service');
  });

  it('is the end also where the client answers it with another code', async () => {
    await using client = await openRawSocket(gateway, service);

    client.peer.socket.close(4001, 'first');
    await client.until(/first$/);
    client.write(closeFrame(4002, 'second'));

    await expectAnswer(client, closeFrame(4001, 'first', false));
    await expectClosed(client.peer, 4001, 'first', 'service');
  });
});

/** The client gets this frame, then the end of the connection, and nothing else. */
async function expectAnswer(client: RawClient, answer: Buffer): Promise<void> {
  const { text, reset } = await client.ended();
  expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(answer.toString('latin1'));
  expect(reset).toBe(false);
}

async function expectClosed(
  peer: SocketEnd,
  code: number,
  reason: string,
  by: 'client' | 'service',
): Promise<void> {
  expect(await peer.closed).toEqual({ code, reason });
  const id = peer.handshake.headers['x-request-id'];
  const line = await gateway.logged({ message: 'websocket closed', request_id: id });
  expect(line).toMatchObject({ code, closed_by: by });
}
