import { chunkOf } from '../bodies.mjs';

/** The route whose responses are event streams. */
export const EVENTS_ROUTE = '/v1/sim/events';

const LINE_ENDS = ['\n', '\r\n', '\r'];

/** Events of a request in their order, as text. */
function eventsOf(id, count, lineEnd) {
  return Array.from({ length: count }, (_, index) =>
    [`id: ${index + 1}`, `data: ${id} ${'x'.repeat((index * 37) % 200)}`, '', ''].join(lineEnd),
  );
}

/** Draws the event stream that responds to a request; see `planResponse`. Some events come in two parts. */
export function planEvents(random, request, head) {
  const events = eventsOf(request.id, random.int(1, 12), random.pick(LINE_ENDS));
  /** When each event is whole, in milliseconds from the head. */
  const dueMs = [];
  let sumMs = 0;
  const steps = [{ bytes: head('Content-Type: text/event-stream\r\nTransfer-Encoding: chunked') }];
  for (const event of events) {
    // Longer than other bodies may pause, shorter than event streams may.
    const waitMs = random.chance(0.08) ? 7_000 : random.int(20, 900);
    const cut = random.chance(0.4) ? random.int(1, event.length - 1) : event.length;
    steps.push({ waitMs, bytes: chunkOf(Buffer.from(event.slice(0, cut))) });
    // Some take longer than the gateway waits for the end of an event when the session is over.
    const longest = random.chance(0.3) ? 5_000 : 1_600;
    const moreMs = cut < event.length ? random.int(10, longest) : 0;
    if (moreMs > 0) steps.push({ waitMs: moreMs, bytes: chunkOf(Buffer.from(event.slice(cut))) });
    sumMs += waitMs + moreMs;
    dueMs.push(sumMs);
  }
  steps.push({ waitMs: random.int(0, 300), bytes: Buffer.from('0\r\n\r\n') });
  const plan = {
    kind: 'events',
    steps,
    events,
    dueMs,
    body: Buffer.from(events.join('')),
    isWhole: true,
    isEarly: false,
  };
  (request.plans ??= []).push(plan);
  return plan;
}

/** How many events a text has: it begins with whole ones and ends behind one. @returns -1 if it does not */
export function countEvents(text, events) {
  let end = 0;
  if (text === '') return 0;
  for (const [index, event] of events.entries()) {
    end += event.length;
    if (text.length > end) continue;
    // The LF of a last CRLF adds nothing: an empty line ends with CR too.
    const isBehindEvent = text.length === end || (text.length === end - 1 && event.endsWith('\r\n'));
    return isBehindEvent && events.join('').startsWith(text) ? index + 1 : -1;
  }
  return -1;
}

/** What a gateway may add to an event stream: a heartbeat, and in a drain the time after which its client is to come back. */
const ADDITIONS = /:\n\n|retry: (\d+)\n\n/g;

/**
 * Takes the additions of a gateway out of what has come of a stream.
 * @returns `{ text, retriesMs, isWithin }`: the service's text, the times to come back, and whether an addition is within an event
 */
export function withoutAdditions(received, events) {
  const retriesMs = [];
  let text = '';
  let isWithin = false;
  let at = 0;
  for (const { 0: addition, 1: retryMs, index } of received.matchAll(ADDITIONS)) {
    text += received.slice(at, index);
    at = index + addition.length;
    isWithin ||= countEvents(text, events) === -1;
    if (retryMs !== undefined) retriesMs.push(Number(retryMs));
  }
  return { text: text + received.slice(at), retriesMs, isWithin };
}

/** The text of the whole chunks in what has come of a body. */
export function textOf(bytes) {
  let text = '';
  for (let at = 0; ;) {
    const end = bytes.indexOf('\r\n', at);
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (end === -1 || end + 2 + length > bytes.length) return text;
    text += bytes.toString('latin1', end + 2, end + 2 + length);
    at = end + 2 + length + 2;
  }
}
