import { createHash } from 'node:crypto';
import { split } from './answers.mjs';
import { closePayload, frame, OPCODE } from '../traffic/frames.mjs';
import { mutateBytes, mutateMessage } from '../traffic/mutate.mjs';
import { chunked } from '../traffic/requests.mjs';

const CRLF = '\r\n';
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const REFUSALS = {
  '401 Unauthorized': 2,
  '404 Not Found': 2,
  '500 Internal Server Error': 3,
  '503 Service Unavailable': 1,
  '200 OK': 2,
  '204 No Content': 2,
  '302 Found': 1,
  '426 Upgrade Required': 1,
};
const AFTER_REFUSAL = { keep: 4, reset: 3, fin: 2, hold: 1 };

/** How a service answers one handshake: see `planAnswer`. A handshake that it accepts goes on as `socket` says. */
export function planHandshake(random, scenario, request) {
  if (request.isStrict) {
    const parts = [{ bytes: accepted(random, request), delayMs: 0 }];
    return { kind: 'accepted', isFramed: true, parts, after: 'keep', socket: { kind: 'echo' } };
  }
  const kind = random.weighted(scenario.handshakes);
  const plan = {
    kind,
    isFramed: true,
    isEarly: false,
    after: 'keep',
    afterMs: random.pick([0, 1, 5, 20, 60]),
    socket: undefined,
  };
  return { ...plan, ...HANDSHAKES[kind](random, request, scenario) };
}

function accepted(random, request, changes = {}) {
  const key = request.get('sec-websocket-key') ?? '';
  const offered = request.get('sec-websocket-protocol')?.split(',')[0].trim();
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${
      changes.accept ??
      createHash('sha1')
        .update(key + GUID)
        .digest('base64')
    }`,
    ...(offered && random.chance(0.8) ? [`Sec-WebSocket-Protocol: ${offered}`] : []),
    ...(changes.lines ?? []),
  ];
  return Buffer.from(lines.join(CRLF) + CRLF + CRLF);
}

function refusal(random, id) {
  const status = random.weighted(REFUSALS);
  const body = Buffer.from(random.chance(0.5) ? '' : JSON.stringify({ id, error: 'refused' }));
  const isChunked = random.chance(0.3);
  const hasNone = status.startsWith('204');
  const lines = [`HTTP/1.1 ${status}`, `X-Fuzz-Id: ${id}`];
  if (!hasNone) lines.push(isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`);
  const content = hasNone ? Buffer.alloc(0) : isChunked ? chunked(random, body) : body;
  return Buffer.concat([Buffer.from(lines.join(CRLF) + CRLF + CRLF), content]);
}

const HANDSHAKES = {
  accepted(random, request, scenario) {
    const socket = planSocket(random, scenario, request.id);
    const parts = split(random, accepted(random, request));
    // Whole, and in the same write as the end of the handshake.
    const hello = random.chance(0.3)
      ? frame(OPCODE.TEXT, Buffer.from(`hello ${request.id}`))
      : Buffer.alloc(0);
    const last = parts.at(-1);
    last.bytes = Buffer.concat([last.bytes, hello]);
    return { parts, socket };
  },

  refused: (random, { id }) => ({
    parts: split(random, refusal(random, id)),
    after: random.weighted(AFTER_REFUSAL),
  }),

  mutated(random, request) {
    const bytes = random.pick([
      () => mutateMessage(random, accepted(random, request)),
      () => mutateMessage(random, refusal(random, request.id)),
      () => accepted(random, request, { accept: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }),
      () => accepted(random, request, { lines: ['Sec-WebSocket-Extensions: permessage-deflate'] }),
      () => accepted(random, request, { lines: ['Sec-WebSocket-Protocol: never.offered'] }),
    ])();
    return { parts: split(random, bytes), after: random.weighted(AFTER_REFUSAL) };
  },

  cut(random, request) {
    const bytes = random.chance(0.5) ? accepted(random, request) : refusal(random, request.id);
    const part = bytes.subarray(0, random.int(0, bytes.length - 1));
    return { parts: split(random, part), after: random.weighted({ fin: 2, reset: 3, hold: 0.3 }) };
  },

  informational(random, request) {
    const first = Buffer.from(`HTTP/1.1 ${random.pick(['100 Continue', '103 Early Hints'])}${CRLF}${CRLF}`);
    const isAccepted = random.chance(0.5);
    const bytes = isAccepted ? accepted(random, request) : refusal(random, request.id);
    const after = isAccepted ? 'keep' : random.weighted(AFTER_REFUSAL);
    const socket = isAccepted ? { kind: 'echo' } : undefined;
    return { parts: [{ bytes: first, delayMs: 0 }, ...split(random, bytes)], after, socket };
  },

  silent: (random) => ({ parts: [], after: random.weighted({ hold: 2, reset: 1 }) }),
};

/** What a service does with a socket: it echoes, and after so many messages or so long it may do something else. */
function planSocket(random, scenario, id) {
  const kind = random.weighted(scenario.sockets);
  const afterMessages = random.int(0, 6);
  const afterMs = random.int(5, 300);
  return { kind, afterMessages, afterMs, ...SOCKETS[kind](random, id) };
}

const echoOf = (id) => Buffer.from(JSON.stringify({ id, from: 'service' }));

const SOCKETS = {
  echo: () => ({}),
  closes: (random) => ({
    bytes: frame(
      OPCODE.CLOSE,
      random.chance(0.8) ? closePayload(random.pick([1000, 1001, 1011, 1012, 4000])) : Buffer.alloc(0),
    ),
    after: random.weighted({ fin: 3, reset: 1, keep: 2, hold: 1 }),
  }),
  mutated: (random, id) => ({
    bytes: mutateBytes(random, frame(OPCODE.TEXT, echoOf(id))),
    after: random.weighted({ keep: 3, fin: 1, reset: 1 }),
  }),
  reset: () => ({ bytes: Buffer.alloc(0), after: 'reset' }),
  halfClose: (random, id) => ({
    bytes: random.chance(0.5) ? frame(OPCODE.TEXT, echoOf(id), { isFinal: false }) : Buffer.alloc(0),
    after: 'fin',
  }),
  masked: (random, id) => ({
    bytes: frame(OPCODE.TEXT, echoOf(id), { mask: random.bytes(4) }),
    after: 'keep',
  }),
  flood: (random, id) => ({
    bytes: Buffer.concat(Array.from({ length: random.int(50, 400) }, () => frame(OPCODE.TEXT, echoOf(id)))),
    after: random.weighted({ keep: 1, fin: 1, reset: 1 }),
  }),
};
