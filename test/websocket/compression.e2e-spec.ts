import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { WebSocketCompression } from '@app/proxy';
import { WebSocket } from 'ws';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { untilBuffered } from '../support/metrics.js';
import { moduleOf, OTHER } from '../support/websocket-module.js';
import {
  closeCodeOf,
  echo,
  frame,
  OPCODE,
  openRawSocket,
  rawHandshake,
  SocketEnd,
  startSocketService,
  type SocketService,
} from '../support/websocket.js';

const MIB = 1024 * 1024;

const OFFER = 'permessage-deflate';
const ACCEPTED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

/** The bit of a compressed message. */
const COMPRESSED = { rsv: 4 };

/** A message that shrinks well. */
const LARGE = JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, text: `message ${id}` })));

let service: SocketService;
let gateway: RunningGateway;

beforeAll(async () => {
  service = await startSocketService(echo);
  gateway = await startCompressing(service);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

function startCompressing(
  { url }: SocketService,
  options: WebSocketCompression = {},
): Promise<RunningGateway> {
  return startGateway({
    modules: [moduleOf({ compression: options, messagesPerSecond: 1_000 })],
    env: { OTHER_SERVICE_URL: url, CHAT_SERVICE_URL: url },
  });
}

function deflate(message: string | Buffer): Buffer {
  return deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** Opens a client of `ws` that offers the extension. */
async function openOffering(path = OTHER): Promise<SocketEnd> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, {
    headers: bearer() as Record<string, string>,
  });
  const response = await new Promise((resolve) => socket.once('upgrade', resolve));
  const end = new SocketEnd(socket, response as never, Infinity);
  if (socket.readyState !== WebSocket.OPEN) await new Promise((resolve) => socket.once('open', resolve));
  return end;
}

function openRaw(extensions = OFFER) {
  return openRawSocket(gateway, service, rawHandshake(OTHER, { 'Sec-WebSocket-Extensions': extensions }));
}

/** Sends frames, and resolves with the code that closes the client, and the messages that the service got. */
async function send(...frames: readonly Buffer[]) {
  await using client = await openRaw();
  client.write(Buffer.concat(frames));
  const code = await closeCodeOf(client);
  return { code, messages: client.peer.messages };
}

describe('a route with compression', () => {
  it('compresses messages either way, and its service sees plain ones', async () => {
    await using client = await openOffering();
    const before = client.stream.bytesRead;

    client.send(LARGE);
    client.send(Buffer.from(LARGE));

    expect(await client.received(2)).toEqual([LARGE, Buffer.from(LARGE)]);
    expect(client.handshake.headers['sec-websocket-extensions']).toBe(ACCEPTED);
    expect(client.stream.bytesRead - before).toBeLessThan(LARGE.length / 2);
    expect(service.connections.at(-1)!.handshake.headers).not.toHaveProperty('sec-websocket-extensions');
  });

  it('sends messages below the threshold as they are', async () => {
    await using client = await openRaw();

    client.write(frame(OPCODE.text, deflate('x'.repeat(1_000)), COMPRESSED));

    expect(await client.until(/x{1000}/)).toContain('\x81\x7e\x03\xe8x');
  });

  it('compresses each message by itself, within the window that the client asks for', async () => {
    await using client = await openRaw(`${OFFER}; server_max_window_bits=9`);
    const unlike = Buffer.from(Array.from({ length: 1_000 }, (_, index) => (index * index * 31) & 0xff));
    const message = Buffer.concat([unlike, Buffer.from('x'.repeat(1_000)), unlike]);
    const head = client.text.length;

    client.write(frame(OPCODE.binary, message));
    client.write(frame(OPCODE.binary, message));
    client.write(frame(OPCODE.text, 'last'));
    const received = Buffer.from((await client.until(/last/)).slice(head), 'latin1');

    const length = received.readUInt16BE(2);
    expect(received.subarray(0, 2)).toEqual(Buffer.of(0xc2, 126));
    const [first, second] = [received.subarray(4, 4 + length), received.subarray(8 + length, 8 + 2 * length)];
    expect(second).toEqual(first);
    const options = { windowBits: 9, finishFlush: constants.Z_SYNC_FLUSH };
    expect(inflateRawSync(Buffer.concat([first, Buffer.of(0, 0, 255, 255)]), options)).toEqual(message);
  });

  it('passes a message on before the close behind it, and every message of many sockets', async () => {
    await using clients = new AsyncDisposableStack();
    const ends = await Promise.all(Array.from({ length: 15 }, () => openOffering()));
    for (const end of ends) clients.use(end);

    for (const { socket } of ends) for (let each = 0; each < 20; each++) socket.send(LARGE);
    await Promise.all(ends.map((end) => end.received(20)));
    for (const peer of service.connections.slice(-15)) {
      peer.send(LARGE);
      peer.socket.close(4_000);
    }

    for (const end of ends) {
      expect(await end.closed).toMatchObject({ code: 4_000 });
      expect(end.messages).toEqual(Array.from({ length: 21 }, () => LARGE));
    }
  });

  it.each([
    ['a text', [frame(OPCODE.text, deflate('one'), COMPRESSED)], 'one'],
    ['an empty text', [frame(OPCODE.text, Buffer.of(0), COMPRESSED)], ''],
    ['an empty text without a byte', [frame(OPCODE.text, '', COMPRESSED)], ''],
    ['a text in its last block', [frame(OPCODE.text, deflateRawSync('one'), COMPRESSED)], 'one'],
    [
      'a text in fragments, around a ping',
      [
        frame(OPCODE.text, deflate('fragments').subarray(0, 1), { ...COMPRESSED, fin: false }),
        frame(OPCODE.continuation, '', { fin: false }),
        frame(OPCODE.ping, 'p'),
        frame(OPCODE.continuation, deflate('fragments').subarray(1)),
      ],
      'fragments',
    ],
    [
      'a text that shrank to a hundredth',
      [frame(OPCODE.text, deflate('x'.repeat(60_000)), COMPRESSED)],
      'x'.repeat(60_000),
    ],
  ])('inflates %s', async (_what, frames, message) => {
    await using client = await openRaw();

    client.write(Buffer.concat([...frames, frame(OPCODE.text, 'plain')]));

    expect(await client.peer.received(2)).toEqual([message, 'plain']);
  });

  it.each([
    [OFFER, ACCEPTED],
    [`${OFFER}; client_max_window_bits`, ACCEPTED],
    [`${OFFER}; client_max_window_bits=9; server_no_context_takeover`, ACCEPTED],
    [`${OFFER}; server_max_window_bits=10`, `${ACCEPTED}; server_max_window_bits=10`],
    [`${OFFER}; server_max_window_bits="12"`, `${ACCEPTED}; server_max_window_bits=12`],
    [`${OFFER}; server_max_window_bits=15`, `${ACCEPTED}; server_max_window_bits=13`],
    [`${OFFER}; server_max_window_bits=8, ${OFFER}`, ACCEPTED],
    [`other, ${OFFER}; unknown, ${OFFER}; client_no_context_takeover`, ACCEPTED],
    [`${OFFER}; server_max_window_bits=8`, undefined],
    [`${OFFER}; server_max_window_bits`, undefined],
    [`${OFFER}; server_max_window_bits=010`, undefined],
    [`${OFFER}; client_max_window_bits=16`, undefined],
    [`${OFFER}; client_no_context_takeover=1`, undefined],
    [`${OFFER}; client_no_context_takeover; client_no_context_takeover`, undefined],
    [`${OFFER};;`, undefined],
    ['x-webkit-deflate-frame', undefined],
  ])('agrees to %s with %s', async (offer, accepted) => {
    await using client = await openRaw(offer);

    const header = /^sec-websocket-extensions: (.*)\r$/im.exec(client.text)?.[1];

    expect(header).toBe(accepted);
    client.write(frame(OPCODE.text, 'plain'));
    expect(await client.peer.received(1)).toEqual(['plain']);
  });

  it.each([
    ['is no deflate', [frame(OPCODE.text, Buffer.of(0xff, 0xff, 0xff), COMPRESSED)], 1007],
    ['is no UTF-8', [frame(OPCODE.text, deflate(Buffer.of(0xc3, 0x28)), COMPRESSED)], 1007],
    [
      'is marked in a later fragment',
      [frame(OPCODE.text, 'a', { fin: false }), frame(OPCODE.continuation, '', COMPRESSED)],
      1002,
    ],
    ['is a ping', [frame(OPCODE.ping, '', COMPRESSED)], 1002],
    [
      'is past the limit of a message',
      [frame(OPCODE.binary, deflate(Buffer.alloc(MIB + 1)), COMPRESSED)],
      1009,
    ],
    ['is past the ratio', [frame(OPCODE.binary, deflate(Buffer.alloc(200_000)), COMPRESSED)], 1009],
    [
      'is past the ratio in fragments',
      [
        frame(OPCODE.binary, deflate(Buffer.alloc(MIB)).subarray(0, 500), { ...COMPRESSED, fin: false }),
        frame(OPCODE.continuation, deflate(Buffer.alloc(MIB)).subarray(500)),
      ],
      1009,
    ],
  ])('closes a client whose compressed frame %s, after the message before', async (_what, frames, code) => {
    expect(await send(frame(OPCODE.text, deflate('first'), COMPRESSED), ...frames)).toEqual({
      code,
      messages: ['first'],
    });
  });

  it('needs the extension for a compressed frame', async () => {
    await using client = await openRaw('');

    client.write(frame(OPCODE.text, deflate('x'), COMPRESSED));

    expect(await closeCodeOf(client)).toBe(1002);
  });

  it('inflates no more of a bomb than its bounds', async () => {
    const bomb = deflate(Buffer.alloc(256 * MIB));
    await using client = await openRaw();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    let isWatching = true;
    const watch = (): void => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      if (isWatching) setImmediate(watch);
    };
    watch();

    client.write(frame(OPCODE.binary, bomb, COMPRESSED));
    const code = await closeCodeOf(client);
    isWatching = false;

    expect([code, client.peer.messages]).toEqual([1009, []]);
    // The bomb's own 260 KB several times, and at most 1 MiB of its zeros.
    expect(most).toBeLessThan(6 * MIB);
  });

  it('counts the fragments of an incomplete compressed message', async () => {
    await using client = await openRaw();

    client.write(frame(OPCODE.binary, Buffer.alloc(50_000), { ...COMPRESSED, fin: false }));
    await untilBuffered(gateway, (bytes) => bytes >= 50_000);
    client.socket.resetAndDestroy();

    await untilBuffered(gateway, (bytes) => bytes === 0);
  });

  it('hands a flood of tiny compressed messages on in order, at its rate', async () => {
    await using client = await openRaw();
    const texts = Array.from({ length: 2_200 }, (_, number) => String(number));

    client.write(Buffer.concat(texts.map((text) => frame(OPCODE.text, deflate(text), COMPRESSED))));

    expect(await client.peer.received(2_200)).toEqual(texts);
  });
});

describe('a route without compression', () => {
  it('agrees to no offer', async () => {
    await using client = await openOffering('/v1/ws/chat?conversation_id=7');

    expect(client.handshake.headers).not.toHaveProperty('sec-websocket-extensions');
  });
});

describe('a compression out of range', () => {
  it.each<[keyof WebSocketCompression, number, string]>([
    ['windowBits', 8, '9 to 15'],
    ['windowBits', 16, '9 to 15'],
    ['thresholdBytes', -1, '0 to 1048576'],
    ['ratioLimit', 0, '1 to 1100'],
    ['ratioLimit', NaN, '1 to 1100'],
  ])('is an error at boot: %s %d', async (name, value, range) => {
    const compression = { [name]: value };

    await expect(startGateway({ modules: [moduleOf({ compression })] })).rejects.toThrow(
      `${OTHER} (other-service) has a compression.${name} that is not from ${range}`,
    );
  });
});
