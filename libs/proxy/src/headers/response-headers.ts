import { isHopByHop, lengthsOf, nominatedBy } from './hop-by-hop.js';

/** A service's response headers as the client gets them, with what the forward must know of them. */
export interface ResponseHead {
  /** Name, value, name, value. */
  readonly headers: string[];
  /** The announced length in bytes, or -1. */
  readonly contentLength: number;
  /** Whether the body comes in chunks, and so tells its own end. */
  readonly isChunked: boolean;
  readonly isEventStream: boolean;
  /** Whether the body is compressed, or encoded in another way. */
  readonly isEncoded: boolean;
  /** Whether the service used a transfer coding besides chunked, which would be lost on the way. */
  readonly hasUnknownCoding: boolean;
}

type Writable<Object> = { -readonly [Key in keyof Object]: Object[Key] };

const EVENT_STREAM = /^text\/event-stream *(?:;|$)/i;

/** What the gateway alone says. */
const OWN: ReadonlySet<string> = new Set(['x-request-id', 'x-gateway-error', 'x-gateway-attempts']);

/** What the gateway says of its own limits; a service may say it of others if the gateway has none. */
const RATE_LIMIT: ReadonlySet<string> = new Set([
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
]);

/**
 * The one transfer coding that is understood. Blanks around a value are not part of it (RFC 9110, section 5.5); undici's
 * parser leaves those behind it in the value, and does not know the coding if a tab is among them.
 */
const CHUNKED = /^chunked *$/i;

const SPECIAL_LENGTHS = lengthsOf([
  'content-type',
  'content-encoding',
  'content-length',
  'trailer',
  ...OWN,
  ...RATE_LIMIT,
]);

/**
 * Copies a service's raw headers for the client: names, order, duplicates and bytes survive, except hop-by-hop
 * fields and those that `Connection` nominates, the service's own CORS headers (the client gets one set, the
 * gateway's), what the gateway alone says, and the service's own rate limits if the gateway names its own.
 *
 * @param raw name, value, name, value as bytes; read as latin1, as they came (RFC 9110, section 5.5)
 * @param own what the gateway adds, name, value, name, value
 * @param status a 204 loses its `Content-Length` (RFC 9110, section 8.6)
 * @param toChunks whether a body without a length goes to the client in chunks; only then can trailers follow it
 */
export function responseHeadersFor(
  raw: readonly Buffer[],
  own: readonly string[],
  status: number,
  toChunks: boolean,
): ResponseHead {
  let headers: string[] = [];
  const head: Writable<ResponseHead> = {
    headers,
    contentLength: -1,
    isChunked: false,
    isEventStream: false,
    isEncoded: false,
    hasUnknownCoding: false,
  };
  let nominated: Set<string> | undefined;
  let announcesTrailers = false;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!.toString('latin1');
    const value = raw[index + 1]!.toString('latin1');
    if (SPECIAL_LENGTHS.has(name.length)) {
      const lower = name.toLowerCase();
      if (lower === 'connection') {
        for (const nominee of nominatedBy(value.toLowerCase()) ?? []) (nominated ??= new Set()).add(nominee);
        continue;
      }
      if (status === 204 && lower === 'content-length') continue;
      if (lower === 'trailer') announcesTrailers = true;
      else if (!readField(head, lower, value, own)) continue;
    }
    if (!isCorsField(name)) headers.push(name, value);
  }
  if (nominated) headers = withoutNames(headers, nominated);
  // A `Trailer` announcement without a chunked body promises what cannot come (RFC 9110, section 6.6.2).
  if (announcesTrailers && !(head.isChunked && toChunks)) headers = withoutNames(headers, TRAILER);
  for (let index = 0; index < own.length; index++) headers.push(own[index]!);
  head.headers = headers;
  return head;
}

/** Reads what a field says of the body. @returns whether the field goes to the client */
function readField(
  head: Writable<ResponseHead>,
  lower: string,
  value: string,
  own: readonly string[],
): boolean {
  switch (lower) {
    case 'content-type':
      head.isEventStream = EVENT_STREAM.test(value);
      return true;
    case 'content-encoding':
      head.isEncoded = value.toLowerCase() !== 'identity';
      return true;
    case 'content-length':
      head.contentLength = Number(value);
      return true;
    case 'transfer-encoding':
      head.isChunked = true;
      head.hasUnknownCoding ||= !CHUNKED.test(value);
      return false;
    default:
      if (isHopByHop(lower) || OWN.has(lower)) return false;
      return !(RATE_LIMIT.has(lower) && own.includes('X-RateLimit-Limit'));
  }
}

const UNBUFFERED = 'X-Accel-Buffering';

/**
 * Tells the proxy in front, nginx and those who learned from it, to pass each event on as it comes rather than to wait
 * until a buffer is full. What the service says itself stays.
 */
export function sayUnbuffered(headers: string[]): void {
  const isSaid = headers.some(
    (text, index) => index % 2 === 0 && text.toLowerCase() === UNBUFFERED.toLowerCase(),
  );
  if (!isSaid) headers.push(UNBUFFERED, 'no');
}

/** A service's raw trailers as pairs for the client; fields that frame or route a message may not be trailers. */
export function responseTrailersFor(raw: readonly Buffer[]): [string, string][] {
  const trailers: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!.toString('latin1');
    const lower = name.toLowerCase();
    if (isHopByHop(lower) || FORBIDDEN_TRAILERS.has(lower) || isCorsField(name)) continue;
    trailers.push([name, raw[index + 1]!.toString('latin1')]);
  }
  return trailers;
}

const TRAILER: ReadonlySet<string> = new Set(['trailer']);

/** RFC 9110, section 6.5.1, for responses. */
const FORBIDDEN_TRAILERS = new Set([
  'content-length',
  'content-encoding',
  'content-type',
  'content-range',
  'host',
  'set-cookie',
  'trailer',
  'www-authenticate',
  ...OWN,
]);

function isCorsField(name: string): boolean {
  return (
    name.length > 21 &&
    (name.charCodeAt(0) | 0x20) === 0x61 &&
    name.toLowerCase().startsWith('access-control-')
  );
}

function withoutNames(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const lower = headers[index]!.toLowerCase();
    // Whatever `Connection` says: it frames the message.
    if (!names.has(lower) || lower === 'content-length') kept.push(headers[index]!, headers[index + 1]!);
  }
  return kept;
}
