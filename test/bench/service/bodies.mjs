/** Bodies of the responses, by the query of a request, and the length of an upload. */
export const SMALL = json(1_024);
export const LARGE = Buffer.alloc(1_024 ** 2, 'downloaded ');
export const UPLOAD_BYTES = 64 * 1_024;

export const PATHS = {
  small: '/v1/messages',
  large: '/v1/messages?body=large',
  sized: (bytes) => `/v1/messages?bytes=${bytes}`,
  /** The path of one route of many. */
  resource: (index) => `/v1/resource-${index}/7`,
  events: '/v1/messages?body=events',
  socket: '/v1/ws/chat?conversation_id=7',
};

/** The body of the response to a GET or POST of a path; undefined if the service does not know the path. */
export function bodyOf(path) {
  if (path === PATHS.small || path.startsWith('/v1/resource-')) return SMALL;
  if (path === PATHS.large) return LARGE;
  const bytes = /^\/v1\/messages\?bytes=(\d+)$/.exec(path)?.[1];
  return bytes && Buffer.alloc(Number(bytes), 'sized ');
}

/** An event begins with the time at which it was sent, in microseconds of the clock that all processes share. */
export const EVENT_BYTES = 128;
export const EVENTS_PER_SECOND = 20;

export function eventAt(us) {
  return `data: ${String(us).padStart(20, '0')} `.padEnd(EVENT_BYTES - 2, '.') + '\n\n';
}

/** When the event was sent that begins here. */
export function sentAt(chunk) {
  return Number(chunk.latin1Slice(6, 26));
}

export function nowUs() {
  return Number(process.hrtime.bigint() / 1_000n);
}

function json(bytes) {
  const text = JSON.stringify({ messages: [{ id: 7, text: '' }] });
  return Buffer.from(text.replace('""', `"${'m'.repeat(bytes - text.length)}"`));
}
