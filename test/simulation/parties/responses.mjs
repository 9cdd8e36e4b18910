import { bodyOf, chunkOf } from '../bodies.mjs';
import { EVENTS_ROUTE, planEvents } from './event-stream.mjs';

/** The response body of a request: made of its id, of another name than the request's. */
export const responseBodyOf = (id, length) => bodyOf(`response to ${id}`, length);

/** Lines that a client must get as they are. */
export const RESPONSE_LINES = ['X-Back-Two: one', 'x-BACK-two: two', 'X-Back-Latin: \u00fcber'];

/** Kinds of responses that a scenario weighs. `isWhole` says whether the service sends all of it. */
const KINDS = {
  plain: ({ head, body }) => [{ bytes: Buffer.concat([head(`Content-Length: ${body.length}`), body]) }],
  chunked: ({ head, body, random }) => [
    { bytes: head('Transfer-Encoding: chunked') },
    ...partsOf(body, random).map((part) => ({ waitMs: random.int(0, 30), bytes: chunkOf(part) })),
    { bytes: Buffer.from('0\r\n\r\n') },
  ],
  closed: ({ head, body, random }) => [
    { bytes: head('Connection: close') },
    ...partsOf(body, random).map((bytes) => ({ waitMs: random.int(0, 30), bytes })),
    { ending: 'end' },
  ],
  empty: ({ head, random }) => [{ bytes: head('', random.pick(['204 No Content', '304 Not Modified'])) }],
  slowHead: ({ head, body, random }) => [
    { waitMs: random.int(100, 2_500), bytes: Buffer.concat([head(`Content-Length: ${body.length}`), body]) },
  ],
  slowBody: ({ head, body, random }) => [
    { bytes: head(`Content-Length: ${body.length}`) },
    ...partsOf(body, random).map((bytes) => ({ waitMs: random.int(50, 800), bytes })),
  ],
  longBody: ({ head, body, random }) => [
    { bytes: head('Transfer-Encoding: chunked') },
    ...partsOf(body, random).map((part) => ({ waitMs: 3_000, bytes: chunkOf(part) })),
    { bytes: Buffer.from('0\r\n\r\n') },
  ],
  interim: ({ head, body }) => [
    { bytes: Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n') },
    { waitMs: 5, bytes: Buffer.concat([head(`Content-Length: ${body.length}`), body]) },
  ],
  error: ({ head, body, random }) => [
    {
      bytes: Buffer.concat([
        head(`Content-Length: ${body.length}`, random.pick(['500 Broken', '503 Busy'])),
        body,
      ]),
    },
  ],
  hang: () => [{ ending: 'hang' }],
  hangBody: ({ head, body }) => [
    { bytes: Buffer.concat([head(`Content-Length: ${body.length + 10}`), body]) },
    { ending: 'hang' },
  ],
  resetBefore: ({ random }) => [{ waitMs: random.int(0, 50), ending: 'reset' }],
  endBefore: ({ random }) => [{ waitMs: random.int(0, 50), ending: 'end' }],
  resetInHead: ({ head, random }) => [{ bytes: cutOf(head('Content-Length: 5'), random), ending: 'reset' }],
  resetInBody: ({ head, body, random }) => [
    { bytes: Buffer.concat([head(`Content-Length: ${body.length + 100}`), body]) },
    { waitMs: random.int(0, 50), ending: random.pick(['reset', 'end']) },
  ],
  resetInChunks: ({ head, body, random }) => [
    { bytes: Buffer.concat([head('Transfer-Encoding: chunked'), chunkOf(body)]) },
    { waitMs: random.int(0, 50), ending: random.pick(['reset', 'end']) },
  ],
  resetClosed: ({ head, body, random }) => [
    { bytes: Buffer.concat([head('Connection: close'), body]) },
    { waitMs: random.int(10, 50), ending: 'reset' },
  ],
  garbage: ({ random }) => [{ bytes: random.bytes(random.int(1, 60)) }, { waitMs: 50, ending: 'end' }],
  extraBytes: ({ head, body, random }) => [
    {
      bytes: Buffer.concat([
        head(`Content-Length: ${body.length}`),
        body,
        Buffer.from(random.pick(['x', '\r\n', 'HTTP/1.1 200 OK\r\n\r\n'])),
      ]),
    },
  ],
};

/** Weights of the lengths of bodies, in bytes. */
const LENGTHS = { 0: 1, 10: 4, 900: 4, 20000: 2, 150000: 0.5 };

/** Kinds whose response a client may get whole. */
const WHOLE = new Set([
  'plain',
  'chunked',
  'closed',
  'empty',
  'slowHead',
  'slowBody',
  'longBody',
  'interim',
  'error',
  'extraBytes',
]);

/**
 * Draws the response to a request.
 * @param scenario weighs the kinds and the lengths
 * @returns `{ kind, steps, isWhole, isEarly, body }`; a step waits, writes bytes, and may end the connection
 */
export function planResponse(random, scenario, request) {
  const drawn = random.weighted(scenario.responses);
  const kind = request?.method === 'HEAD' && drawn !== 'hang' && drawn !== 'resetBefore' ? 'plain' : drawn;
  const length = random.weighted(scenario.lengths ?? LENGTHS);
  const full = request ? responseBodyOf(request.id, Number(length)) : Buffer.alloc(0);
  const hasNone = kind === 'empty' || request?.method === 'HEAD';
  const body = hasNone ? Buffer.alloc(0) : full;
  const head = (headers, status = '200 OK') =>
    Buffer.from(
      [
        `HTTP/1.1 ${status}`,
        `X-Sim: ${request?.id}`,
        ...RESPONSE_LINES,
        ...(scenario.closesConnections ? ['Connection: close'] : []),
        ...(headers ? [headers] : []),
        '',
        '',
      ].join('\r\n'),
      'latin1',
    );
  if (request?.route === EVENTS_ROUTE) return planEvents(random, request, head);
  const steps = KINDS[kind]({ head, body, random });
  const plan = { kind, steps, body, isWhole: WHOLE.has(kind), isEarly: random.chance(scenario.early ?? 0.1) };
  if (request) (request.plans ??= []).push(plan);
  return plan;
}

function partsOf(body, random) {
  const parts = [];
  for (let at = 0; at < body.length;) {
    const length = Math.min(body.length - at, random.int(1, Math.max(1, Math.ceil(body.length / 3))));
    parts.push(body.subarray(at, at + length));
    at += length;
  }
  return parts;
}

const cutOf = (bytes, random) => bytes.subarray(0, random.int(1, bytes.length - 1));
