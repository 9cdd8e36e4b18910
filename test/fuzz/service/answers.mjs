import { mutateMessage } from '../traffic/mutate.mjs';
import { chunked } from '../traffic/requests.mjs';

const CRLF = '\r\n';
const STATUSES = { '200 OK': 12, '201 Created': 1, '404 Not Found': 1, '500 Internal Server Error': 1 };
const BODILESS = { '204 No Content': 1, '304 Not Modified': 1 };
const SIZES = { 60: 6, 2_000: 3, 66_000: 1, 400_000: 0.3 };
const INFORMATIONAL = ['100 Continue', '102 Processing', '103 Early Hints', '199 Odd'];
const ODD_STATUSES = [
  '502 Bad Gateway',
  '503 Service Unavailable',
  '504 Gateway Timeout',
  '429 Too Many Requests',
];

/** Kinds after which nobody can say where the response ends. */
const UNFRAMED = new Set(['mutated', 'wrongLength', 'switched']);

/**
 * How a service answers one request, drawn before it does.
 *
 * - `parts`: bytes with the pause before each.
 * - `after`: what happens to the connection then: `keep`, `fin`, `reset`, or `hold`, which answers nothing more.
 * - `isEarly`: whether the answer does not wait for the request's body.
 * - `deafMs`: for how long it reads no more once it has the request's head.
 * - `isFramed`: whether the response ends with its last part.
 * - `tooMuch`: bytes that follow the response in the same write or, if `isLater`, in one of their own.
 */
export function planAnswer(random, scenario, { id, method, isStrict }) {
  const valid = validAnswer(random, { id, method, isStrict });
  const kind = isStrict ? 'valid' : random.weighted(scenario.answers);
  const plan = { parts: split(random, valid.bytes), after: 'keep', isEarly: false, ...valid };
  const isFramed = !UNFRAMED.has(kind);
  return { ...plan, kind, isFramed, ...ANSWERS[kind](random, { id, ...valid }) };
}

function validAnswer(random, { id, method, isStrict }) {
  const hasNone = !isStrict && random.chance(0.08);
  const status = isStrict ? '200 OK' : random.weighted(hasNone ? BODILESS : STATUSES);
  const body = Buffer.from(JSON.stringify({ id, filler: 'a'.repeat(Number(random.weighted(SIZES)) - 50) }));
  const framing = random.weighted(isStrict ? { length: 3, chunks: 1 } : { length: 6, chunks: 3, end: 0.5 });
  const trailers = framing === 'chunks' && random.chance(0.2) ? `X-Late: ${id}${CRLF}` : '';
  const lines = [
    `HTTP/1.1 ${status}`,
    `X-Fuzz-Id: ${id}`,
    'Content-Type: application/json',
    ...(trailers === '' ? [] : ['Trailer: X-Late']),
    ...(random.chance(0.1) ? ['Set-Cookie: a=1', 'Set-Cookie: b=2'] : []),
    ...(random.chance(0.1) ? ['Keep-Alive: timeout=5'] : []),
    ...(hasNone ? [] : [framingLine(framing, body.length)]),
  ];
  const hasBody = !hasNone && method !== 'HEAD';
  const content = framing === 'chunks' ? chunked(random, body, trailers) : body;
  const head = Buffer.from(lines.join(CRLF) + CRLF + CRLF);
  const bytes = hasBody ? Buffer.concat([head, content]) : head;
  return { bytes, framing, body: hasBody ? body : undefined, after: framing === 'end' ? 'fin' : 'keep' };
}

function framingLine(framing, length) {
  if (framing === 'length') return `Content-Length: ${length}`;
  return framing === 'chunks' ? 'Transfer-Encoding: chunked' : 'Connection: close';
}

const ANSWERS = {
  valid: () => ({}),

  mutated: (random, { bytes }) => ({
    parts: split(random, mutateMessage(random, bytes)),
    after: random.weighted({ keep: 3, fin: 1, reset: 1 }),
  }),

  /** More than one response, at once or a moment later. */
  extra(random, { id, bytes, framing }) {
    if (framing === 'end') return {};
    const isLater = random.chance(0.35);
    const tooMuch = Buffer.from(
      isLater ? random.pick([CRLF, 'x', '0', '\0\0']) : extraText(random, id),
      'latin1',
    );
    if (!isLater) return { parts: [{ bytes: Buffer.concat([bytes, tooMuch]), delayMs: 0 }], tooMuch };
    return {
      parts: [...split(random, bytes), { bytes: tooMuch, delayMs: random.int(1, 30) }],
      tooMuch,
      isLater,
    };
  },

  wrongLength(random, { bytes, framing, body }) {
    if (framing !== 'length' || !body) return {};
    const length = Math.max(0, body.length + random.pick([-30, -1, 1, 30, 100_000]));
    const text = bytes.toString('latin1').replace(/^Content-Length: \d+/m, `Content-Length: ${length}`);
    const parts = split(random, Buffer.from(text, 'latin1'));
    const after = random.weighted({ keep: 2, fin: 2, reset: 1, hold: 0.3 });
    const tooMuch = length < body.length && parts.length === 1 ? body.subarray(length) : undefined;
    return { parts, after, tooMuch };
  },

  informational(random, { bytes }) {
    const count = random.int(1, 3);
    const parts = Array.from({ length: count }, () => {
      const link = random.chance(0.5) ? `Link: </a.css>; rel=preload${CRLF}` : '';
      const head = `HTTP/1.1 ${random.pick(INFORMATIONAL)}${CRLF}${link}${CRLF}`;
      return { bytes: Buffer.from(head), delayMs: random.chance(0.5) ? random.int(0, 20) : 0 };
    });
    return { parts: [...parts, ...split(random, bytes)] };
  },

  early: (random) => ({ isEarly: true, after: random.weighted({ keep: 3, fin: 2, reset: 1, hold: 0.5 }) }),

  cut: (random, { bytes }) => ({
    parts: split(random, bytes.subarray(0, random.int(0, bytes.length - 1))),
    after: random.weighted({ fin: 2, reset: 3, hold: 0.2 }),
    isEarly: random.chance(0.3),
  }),

  /** A status that counts against the instance, or that it is busy. */
  refused: (random, { id }) => ({
    parts: split(random, statusOnly(random.pick(ODD_STATUSES), id)),
    after: random.weighted({ keep: 3, fin: 1, reset: 1 }),
  }),

  /** Reads no more once it has the head, for a while or for ever. */
  deaf: (random) => ({ deafMs: random.pick([50, 300, 1_000, Infinity]) }),

  silent: (random) => ({ parts: [], after: random.weighted({ hold: 2, reset: 1 }) }),

  /** As if the request had asked for another protocol. */
  switched: (random) => ({
    parts: [
      { bytes: Buffer.from(`HTTP/1.1 101 Switching Protocols${CRLF}Upgrade: odd${CRLF}${CRLF}`), delayMs: 0 },
    ],
    after: random.pick(['hold', 'fin', 'reset']),
  }),
};

function statusOnly(status, id) {
  return Buffer.from(`HTTP/1.1 ${status}${CRLF}X-Fuzz-Id: ${id}${CRLF}Content-Length: 0${CRLF}${CRLF}`);
}

/** Bytes behind a response, some of which look like another one. */
function extraText(random, id) {
  return random.pick([
    CRLF,
    'x',
    '\0',
    '0\r\n\r\n',
    random.bytes(random.int(1, 40)).toString('latin1'),
    `HTTP/1.1 100 Continue${CRLF}${CRLF}`,
    `HTTP/1.1 408 Request Timeout${CRLF}Connection: close${CRLF}Content-Length: 0${CRLF}${CRLF}`,
    `HTTP/1.1 200 OK${CRLF}Content-Length: ${id.length}${CRLF}${CRLF}${id}`,
    `HTTP/1.1 200 OK${CRLF}X-Fuzz-Id: ${id}${CRLF}Content-Length: 5${CRLF}${CRLF}`,
  ]);
}

/** The bytes in one part or in a few. */
export function split(random, bytes) {
  const firstMs = random.chance(0.4) ? random.int(0, 40) : 0;
  if (bytes.length < 2 || random.chance(0.6)) return [{ bytes, delayMs: firstMs }];
  const cuts = Array.from({ length: random.int(1, 4) }, () => random.int(1, bytes.length - 1));
  const points = [0, ...[...new Set(cuts)].toSorted((a, b) => a - b), bytes.length];
  return points.slice(1).map((end, index) => ({
    bytes: bytes.subarray(points[index], end),
    delayMs: index === 0 ? firstMs : random.int(0, 15),
  }));
}
