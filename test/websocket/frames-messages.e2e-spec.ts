import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import {
  echo,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  type SocketEnd,
  type SocketService,
  startSocketService,
} from '../support/websocket.js';

const SIZES = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 100_000];

/** How many bytes are written at a time, over and over. */
const PIECES = { 'at once': [Infinity], 'in odd pieces': [1, 2, 3, 5, 7, 4_099], 'a byte at a time': [1] };

const VALID_TEXTS = {
  'no character': '',
  'two-byte characters': '\u0080µ\u07FF',
  'three-byte characters': '\u0800κόσμε\uD7FF\uE000',
  'four-byte characters': '\u{10000}😀\u{10FFFF}',
  'characters of every length': 'a¢€😀'.repeat(20),
  'a zero': 'a\0b',
  'a byte order mark': '\uFEFFa',
  'a replacement character': '\uFFFD',
  noncharacters: '\uFDD0\uFFFE\uFFFF\u{1FFFE}',
  'combining characters': 'e\u0301👩‍👩‍👧',
} as const;

let service: SocketService;
let gateway: RunningGateway;

beforeAll(async () => {
  service = await startSocketService(echo);
  gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

describe('a message', () => {
  it.each(
    Object.entries(PIECES).flatMap(([how, pieces]) =>
      SIZES.filter((size) => how !== 'a byte at a time' || size <= 128).flatMap((size) => [
        ['text', size, how, pieces, textOf(size)] as const,
        ['binary', size, how, pieces, bytesOf(size)] as const,
      ]),
    ),
  )('(%s) of %i bytes, written %s, comes back as it was', async (kind, _size, _how, pieces, payload) => {
    await using client = await openRawSocket(gateway, service);

    await writeIn(pieces, client, frame(OPCODE[kind], payload));

    await expectFrames(client, answer(OPCODE[kind], payload));
    expectMessages(client.peer, [payload]);
  });

  it('of any size comes back in its turn, masked at random', async () => {
    const messages = SIZES.flatMap((size) => [textOf(size), bytesOf(size)]);
    await using client = await openSocket(gateway);

    for (const message of messages) client.send(message);

    expect(await client.received(messages.length)).toEqual(messages);
  });

  it('comes in its turn where many are written at once', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => `number ${index}`);
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat(texts.map((text) => frame(OPCODE.text, text))));

    await expectFrames(client, ...texts.map((text) => answer(OPCODE.text, text)));
    expectMessages(client.peer, texts);
  });
});

describe('a ping', () => {
  it('of any length is answered with its own bytes, and is not for the service', async () => {
    const payloads = Array.from({ length: 126 }, (_, size) => bytesOf(size));
    await using client = await openRawSocket(gateway, service);

    const pongs: Buffer[] = [];
    for (const payload of payloads) {
      client.write(frame(OPCODE.ping, payload));
      pongs.push(answer(OPCODE.pong, payload));
      await expectFrames(client, ...pongs);
    }
    client.write(frame(OPCODE.text, 'after'));

    await expectFrames(client, ...pongs, answer(OPCODE.text, 'after'));
    expect(client.peer.pings).toEqual([]);
  });

  it.each(Object.entries(PIECES))('is one of ten, written %s, answered in order', async (_how, pieces) => {
    const names = Array.from({ length: 10 }, (_, index) => `ping ${index}`);
    await using client = await openRawSocket(gateway, service);

    await writeIn(pieces, client, Buffer.concat(names.map((name) => frame(OPCODE.ping, name))));

    await expectFrames(client, ...names.map((name) => answer(OPCODE.pong, name)));
  });

  it.each(['', 'unasked'])('is not awaited by a pong "%s", which is ignored', async (payload) => {
    await using client = await openRawSocket(gateway, service);
    const pongs: string[] = [];
    client.peer.socket.on('pong', (data: Buffer) => pongs.push(data.toString()));

    client.write(Buffer.concat([frame(OPCODE.pong, payload), frame(OPCODE.pong, payload)]));
    client.write(Buffer.concat([frame(OPCODE.ping, 'asked'), frame(OPCODE.text, 'after')]));

    await expectFrames(client, answer(OPCODE.pong, 'asked'), answer(OPCODE.text, 'after'));
    expect(pongs).toEqual([]);
  });
});

describe('a message in fragments', () => {
  const parts = {
    two: ['Hel', 'lo'],
    'one for each byte': textOf(300).split(''),
    'the first empty': ['', 'Hello'],
    'one in the middle empty': ['Hel', '', 'lo'],
    'the last empty': ['Hello', ''],
    'all empty': ['', '', ''],
    large: [textOf(65_535), textOf(65_536), textOf(100_000)],
    'as many as may be': Array.from({ length: 1_024 }, (_, index) => (index % 16 === 0 ? 'a' : '')),
  };

  it.each(
    Object.entries(parts).flatMap(([name, texts]) =>
      (['text', 'binary'] as const).map((kind) => [name, kind, texts] as const),
    ),
  )('(%s, %s) reaches the service as one', async (_name, kind, texts) => {
    const whole = texts.join('');
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat([...fragments(OPCODE[kind], texts), frame(OPCODE.text, 'next')]));

    await expectFrames(client, answer(OPCODE[kind], whole), answer(OPCODE.text, 'next'));
    expectMessages(client.peer, [kind === 'text' ? whole : Buffer.from(whole), 'next']);
  });

  it('reaches the service as one where it is written a byte at a time', async () => {
    await using client = await openRawSocket(gateway, service);

    await writeIn([1], client, Buffer.concat(fragments(OPCODE.text, ['Hel', '', 'lo'])));

    await expectFrames(client, answer(OPCODE.text, 'Hello'));
  });

  it('lets a ping through, which is answered before the message is complete', async () => {
    const [first, second, last] = fragments(OPCODE.text, ['a', 'b', 'c']);
    const pongs = [answer(OPCODE.pong, 'one'), answer(OPCODE.pong, 'two')];
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat([first!, frame(OPCODE.ping, 'one')]));
    await expectFrames(client, pongs[0]!);
    client.write(Buffer.concat([second!, frame(OPCODE.pong, 'no news'), frame(OPCODE.ping, 'two')]));
    await expectFrames(client, ...pongs);
    expectMessages(client.peer, []);
    client.write(last!);

    await expectFrames(client, ...pongs, answer(OPCODE.text, 'abc'));
    expectMessages(client.peer, ['abc']);
  });
});

describe('text', () => {
  it.each(Object.entries(VALID_TEXTS))(
    'with %s passes, whole and in the smallest fragments',
    async (_name, text) => {
      const bytes = Array.from(Buffer.from(text), (byte) => Buffer.of(byte));
      await using client = await openRawSocket(gateway, service);

      client.write(frame(OPCODE.text, text));
      client.write(Buffer.concat(fragments(OPCODE.text, [...bytes, ''])));

      await expectFrames(client, answer(OPCODE.text, text), answer(OPCODE.text, text));
      expectMessages(client.peer, [text, text]);
    },
  );

  it.each(['c080', 'eda080', 'f4908080', 'e282', 'ff'])(
    'is what binary need not be: %s passes',
    async (hex) => {
      const payload = Buffer.from(hex, 'hex');
      await using client = await openRawSocket(gateway, service);

      client.write(frame(OPCODE.binary, payload));
      client.write(Buffer.concat(fragments(OPCODE.binary, [payload.subarray(0, 1), payload.subarray(1)])));

      await expectFrames(client, answer(OPCODE.binary, payload), answer(OPCODE.binary, payload));
      expectMessages(client.peer, [payload, payload]);
    },
  );
});

/** Each piece is sent, and so read, by itself. */
async function writeIn(sizes: readonly number[], client: RawClient, bytes: Buffer): Promise<void> {
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const end = Math.min(bytes.length, at + sizes[index % sizes.length]!);
    client.write(bytes.subarray(at, end));
    at = end;
    await turn();
  }
}

/** Waits until the client has these frames, and no byte beside them. */
async function expectFrames(client: RawClient, ...frames: Buffer[]): Promise<void> {
  const expected = Buffer.concat(frames).toString('latin1');
  const start = client.text.indexOf('\r\n\r\n') + 4;
  while (client.text.length < start + expected.length && !client.socket.destroyed) {
    await once(client.socket, 'received');
  }
  expect(client.text.slice(start)).toBe(expected);
}

/** Jest compares a buffer byte by byte, in seconds: a gateway in the same process would take itself for overloaded. */
function expectMessages({ messages }: SocketEnd, expected: readonly (string | Buffer)[]): void {
  expect(messages.map(kindAndText)).toEqual(expected.map(kindAndText));
}

function kindAndText(message: string | Buffer): string {
  return typeof message === 'string' ? `text ${message}` : `binary ${message.toString('latin1')}`;
}

function answer(opcode: number, payload: string | Buffer): Buffer {
  return frame(opcode, payload, { masked: false });
}

function fragments(opcode: number, parts: readonly (string | Buffer)[]): Buffer[] {
  return parts.map((part, index) =>
    frame(index === 0 ? opcode : OPCODE.continuation, part, { fin: index === parts.length - 1 }),
  );
}

function textOf(size: number): string {
  return 'abcdefghijklmnopqrstuvwxyz.'.repeat(Math.ceil(size / 27)).slice(0, size);
}

/** Bytes that are no UTF-8. */
function bytesOf(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, index) => (255 - index * 31) & 0xff));
}
