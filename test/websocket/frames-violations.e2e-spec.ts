import { startGateway, type RunningGateway } from '../support/gateway.js';
import {
  closeFrame,
  echo,
  frame,
  OPCODE,
  openRawSocket,
  type SocketService,
  startSocketService,
} from '../support/websocket.js';

const { continuation, text, binary, ping, pong, close } = OPCODE;

const LIMIT = 4_096;

/** What the client writes, the code that it gets for it, and the messages that reach the service before. */
type Violation = readonly [bytes: Buffer | readonly Buffer[], code: number, passed?: readonly string[]];
type Violations = Readonly<Record<string, Violation>>;

const part = { fin: false } as const;
const first = frame(text, 'first');

const RESERVED_BITS = Object.fromEntries(
  [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) =>
    Object.entries({ text, binary, ping, pong, close }).map(([name, opcode]): [string, Violation] => [
      `reserved bits ${rsv} in a ${name}`,
      [frame(opcode, '', { rsv }), 1002],
    ]),
  ),
);

const RESERVED_OPCODES = Object.fromEntries(
  [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode): [string, Violation][] => [
    [`the opcode ${opcode}`, [frame(opcode), 1002]],
    [`the opcode ${opcode} between messages`, [[first, frame(opcode, 'x'), frame(ping)], 1002, ['first']]],
  ]),
);

const CONTROL: Violations = {
  'a ping of 126 bytes': [frame(ping, 'x'.repeat(126)), 1002],
  'a pong of 126 bytes': [frame(pong, 'x'.repeat(126)), 1002],
  'a close of 126 bytes': [closeFrame(1000, 'x'.repeat(124)), 1002],
  'a ping of 65536 bytes': [frame(ping, 'x'.repeat(65_536)), 1002],
  'a ping in fragments': [[frame(ping, 'a', part), frame(continuation, 'b')], 1002],
  'a pong in fragments': [[frame(pong, 'a', part), frame(continuation, 'b')], 1002],
  'a close in fragments': [[frame(close, Buffer.of(3, 232), part), frame(continuation, 'b')], 1002],
};

const FRAGMENTS: Violations = {
  'a continuation of nothing': [frame(continuation, 'x'), 1002],
  'an empty continuation of nothing': [frame(continuation), 1002],
  'a continuation of nothing with more to come': [frame(continuation, 'x', part), 1002],
  'a continuation of a message that is complete': [[first, frame(continuation, 'x')], 1002, ['first']],
  'a continuation of fragments that are complete': [
    [frame(text, 'fi', part), frame(continuation, 'rst'), frame(continuation, 'x')],
    1002,
    ['first'],
  ],
  'a continuation with reserved bits': [[frame(text, 'a', part), frame(continuation, 'b', { rsv: 4 })], 1002],
  'a text in the middle of a text': [[frame(text, 'a', part), frame(text, 'b')], 1002],
  'a binary in the middle of a text': [[frame(text, 'a', part), frame(binary, 'b')], 1002],
  'a text in the middle of a binary': [[frame(binary, 'a', part), frame(text, 'b')], 1002],
  'a new fragment in the middle of a text': [[frame(text, 'a', part), frame(text, 'b', part)], 1002],
  'a text behind an empty fragment': [[frame(text, '', part), frame(text, 'b')], 1002],
  'more fragments than may be': [
    [frame(text, '', part), ...Array.from({ length: 1_024 }, () => frame(continuation, '', part))],
    1008,
  ],
};

/** Bytes that are no UTF-8, in hexadecimal. */
const NO_UTF8 = {
  'a continuation byte alone': '80',
  'all kinds of continuation bytes': '808182bf',
  'a byte that is never used': 'fe',
  'the other byte that is never used': 'ff',
  'an overlong slash of two bytes': 'c0af',
  'an overlong slash of three bytes': 'e080af',
  'an overlong slash of four bytes': 'f08080af',
  'an overlong zero': 'c080',
  'the last overlong of two bytes': 'c1bf',
  'the last overlong of three bytes': 'e09fbf',
  'the last overlong of four bytes': 'f08fbfbf',
  'a character of five bytes': 'f888808080',
  'a character of six bytes': 'fc8480808080',
  'the first surrogate': 'eda080',
  'the last surrogate': 'edbfbf',
  'a pair of surrogates': 'eda080edb080',
  'a character above U+10FFFF': 'f4908080',
  'a character of a plane that is none': 'f5808080',
  'two bytes cut short': 'c3',
  'three bytes cut short': 'e282',
  'four bytes cut short': 'f09f98',
  'a character broken off by another': 'e28261',
} as const;

const NOT_TEXT = Object.fromEntries(
  Object.entries(NO_UTF8).flatMap(([name, hex]): [string, Violation][] => {
    const bytes = Buffer.from(hex, 'hex');
    const long = Buffer.concat([Buffer.from('κόσμε'.repeat(30)), bytes]);
    const pieces = [...bytes].map((byte) => frame(continuation, Buffer.of(byte), part));
    return [
      [`text with ${name}`, [frame(text, bytes), 1007]],
      [`text with ${name} at the end`, [[first, frame(text, long)], 1007, ['first']]],
      [`text with ${name} in fragments`, [[frame(text, 'a', part), ...pieces, frame(continuation)], 1007]],
      [`a reason with ${name}`, [closeFrame(1000, bytes), 1007]],
    ];
  }),
);

const CLOSES: Violations = {
  'a close of one byte': [frame(close, Buffer.of(3)), 1002],
  // Those that no frame may hold, and those below 3000 that nobody has registered (RFC 6455, section 7.4).
  ...Object.fromEntries(
    [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].flatMap(
      (code): [string, Violation][] => [
        [`a close with ${code}`, [closeFrame(code), 1002]],
        [
          `a close with ${code} and a reason, behind a message`,
          [[first, closeFrame(code, 'x')], 1002, ['first']],
        ],
      ],
    ),
  ),
};

const LIMITS: Violations = {
  'a text one byte too long': [frame(text, 'x'.repeat(LIMIT + 1)), 1009],
  'a binary far too long': [frame(binary, Buffer.alloc(2_000_000)), 1009],
  'a length that is announced to be one byte too long': [announced(text, LIMIT + 1), 1009],
  'a length of 4 GiB': [announced(binary, 2n ** 32n), 1009],
  'a length beyond all numbers': [announced(binary, 2n ** 63n - 1n), 1009],
  'a length with the highest bit set': [announced(binary, 2n ** 63n), 1009],
  'a length with all bits set': [announced(binary, 2n ** 64n - 1n), 1009],
  'fragments that are one byte too long together': [
    [frame(text, 'x'.repeat(LIMIT), part), frame(continuation, '', part), announced(continuation, 1)],
    1009,
  ],
  'small fragments that are too long together': [
    [
      frame(text, '', part),
      ...Array.from({ length: LIMIT / 8 + 1 }, () => frame(continuation, 'x'.repeat(8), part)),
    ],
    1009,
  ],
};

const MASKS: Violations = Object.fromEntries([
  ...Object.entries({ text, binary, ping, pong, close }).map(([name, opcode]): [string, Violation] => [
    `a ${name} without a mask`,
    [frame(opcode, '', { masked: false }), 1002],
  ]),
  [
    'a continuation without a mask',
    [[frame(text, 'a', part), frame(continuation, 'b', { masked: false })], 1002],
  ],
]);

let service: SocketService;
let gateway: RunningGateway;

beforeAll(async () => {
  service = await startSocketService(echo);
  const env = { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_MESSAGE_BYTES: String(LIMIT) };
  gateway = await startGateway({ env });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

describe.each([
  ['a frame with bits that mean nothing', RESERVED_BITS],
  ['a frame of no known kind', RESERVED_OPCODES],
  ['a control frame that is none', CONTROL],
  ['a message whose fragments do not fit', FRAGMENTS],
  ['text that is no UTF-8', NOT_TEXT],
  ['a close that says what nobody may', CLOSES],
  ['a message beyond the limit', LIMITS],
  ['a frame without a mask', MASKS],
])('%s', (_name, violations: Violations) => {
  it.each(Object.entries(violations))(
    '(%s) fails the connection',
    async (_case, [bytes, code, passed = []]) => {
      await using client = await openRawSocket(gateway, service);
      const { peer } = client;

      client.write(Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes));
      const { text: received, reset } = await client.ended();

      // The echoes of the messages before come first.
      const echoes = passed.map((message) => frame(text, message, { masked: false }));
      expect(received.slice(received.indexOf('\r\n\r\n') + 4)).toBe(
        Buffer.concat([...echoes, closeFrame(code, '', false)]).toString('latin1'),
      );
      expect(reset).toBe(false);
      expect(await peer.closed).toEqual({ code: 1001, reason: 'client gone' });
      expect(peer.messages).toEqual(passed);
      const id = peer.handshake.headers['x-request-id'];
      const line = await gateway.logged({ message: 'websocket closed', request_id: id });
      expect(line).toMatchObject({ code, closed_by: 'gateway', messages_in: passed.length });
      expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    },
  );
});

describe('a message at the limit', () => {
  const whole = 'x'.repeat(LIMIT);

  it.each([
    ['in one frame', [frame(text, whole)]],
    ['in two', [frame(text, whole.slice(1), part), frame(continuation, 'x')]],
    [
      'with empty fragments around it',
      [frame(text, '', part), frame(continuation, whole, part), frame(continuation)],
    ],
    ['around a ping', [frame(text, whole, part), frame(ping, 'x'.repeat(125)), frame(continuation)]],
  ])('passes %s, again and again', async (_how, frames) => {
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat([...frames, ...frames, ...frames]));

    await client.until(/\r\n\r\n(?:[^]*x{4096}){3}$/);
    expect(client.peer.messages).toEqual([whole, whole, whole]);
  });
});

/** A frame's head, with a mask but without the payload that it announces, its length in 64 bits. */
function announced(opcode: number, length: number | bigint): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}
