import { isHopByHop, lengthsOf, nominatedBy } from './hop-by-hop.js';

/** The headers of a response for the client, and what they say of the body. */
export interface ClientHead {
  /** Name, value, name, value. */
  readonly headers: string[];
  readonly isEventStream: boolean;
  /** Whether the body has a content coding, such as `gzip`. */
  readonly isEncoded: boolean;
}

type Writable<Object> = { -readonly [Key in keyof Object]: Object[Key] };

const EVENT_STREAM = /^text\/event-stream *(?:;|$)/i;

/** Names that the gateway alone writes. */
const OWN: ReadonlySet<string> = new Set(['x-request-id', 'x-gateway-error', 'x-gateway-attempts']);

/** Names for rate limits: the gateway's own; the service's if the gateway has no limit for the route. */
const RATE_LIMIT: ReadonlySet<string> = new Set([
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
]);

const SPECIAL_LENGTHS = lengthsOf([
  'content-type',
  'content-encoding',
  'content-length',
  'trailer',
  ...OWN,
  ...RATE_LIMIT,
]);

/**
 * The headers of a response for the client: the service's with the same names, order, duplicates and bytes, except
 * hop-by-hop fields and those that `Connection` nominates, the service's CORS headers (the client gets the gateway's),
 * names that the gateway alone writes, and the service's rate limits if the gateway adds its own.
 *
 * @param raw name, value, name, value; each character is one byte (RFC 9110, section 5.5)
 * @param own headers that the gateway adds: name, value, name, value
 * @param status a 204 loses its `Content-Length` (RFC 9110, section 8.6)
 * @param isChunked whether the body comes in chunks and goes to the client in chunks, which trailers require
 */
export function responseHeadersFor(
  raw: readonly string[],
  own: readonly string[],
  status: number,
  isChunked: boolean,
): ClientHead {
  let headers: string[] = [];
  const head: Writable<ClientHead> = {
    headers,
    isEventStream: false,
    isEncoded: false,
  };
  let nominated: Set<string> | undefined;
  let announcesTrailers = false;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
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
  // Without a chunked body no trailers can follow (RFC 9110, section 6.6.2).
  if (announcesTrailers && !isChunked) headers = withoutNames(headers, TRAILER);
  for (let index = 0; index < own.length; index++) headers.push(own[index]!);
  head.headers = headers;
  return head;
}

/** Reads what a field says of the body. @returns whether the field goes to the client */
function readField(
  head: Writable<ClientHead>,
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
    default:
      if (isHopByHop(lower) || OWN.has(lower)) return false;
      return !(RATE_LIMIT.has(lower) && own.includes('X-RateLimit-Limit'));
  }
}

const UNBUFFERED = 'X-Accel-Buffering';

/**
 * Adds a header by which nginx, and other proxies that support it, pass each event on at once and do not buffer. A value from
 * the service stays.
 */
export function sayUnbuffered(headers: string[]): void {
  const isPresent = headers.some(
    (text, index) => index % 2 === 0 && text.toLowerCase() === UNBUFFERED.toLowerCase(),
  );
  if (!isPresent) headers.push(UNBUFFERED, 'no');
}

/** A service's raw trailers as pairs for the client, without fields that are forbidden in trailers. */
export function responseTrailersFor(raw: readonly string[]): [string, string][] {
  const trailers: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const lower = name.toLowerCase();
    if (isHopByHop(lower) || FORBIDDEN_RESPONSE_TRAILERS.has(lower) || isCorsField(name)) continue;
    trailers.push([name, raw[index + 1]!]);
  }
  return trailers;
}

const TRAILER: ReadonlySet<string> = new Set(['trailer']);

/** Fields that frame, route or describe a response, which trailers must not have (RFC 9110, section 6.5.1). */
const FORBIDDEN_RESPONSE_TRAILERS = new Set([
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

/** Whether a name is one of CORS' (Fetch standard, section 3.2). */
export function isCorsField(name: string): boolean {
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
    // `Content-Length` stays even if `Connection` nominates it: it frames the message.
    if (!names.has(lower) || lower === 'content-length') kept.push(headers[index]!, headers[index + 1]!);
  }
  return kept;
}
