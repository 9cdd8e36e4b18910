import type { Exchange } from '../http/exchange.js';
import { isEndToEnd } from './end-to-end.js';
import { HOP_BY_HOP, isHopByHop, nominatedBy } from './hop-by-hop.js';
import { canonicalName, kindOf, selectorOf, KNOWN_NAMES, type NameKind } from './name-kinds.js';

/** The gateway's own facts of an exchange, for the service. */
export interface ForwardedFacts {
  readonly requestId: string;
  /** The address at the other end of the connection. */
  readonly peerAddress: string;
  /** Whether the peer is a trusted proxy. */
  readonly isPeerTrusted: boolean;
  readonly protocol: 'http' | 'https';
  readonly host: string;
  /** Identity and override names, in lower case, that the upstream accepts from every client. Default: none. */
  readonly accepted?: ReadonlySet<string> | undefined;
}

/** Whether the name of a field may be hop-by-hop or have a kind. */
const isSpecial = selectorOf([...HOP_BY_HOP, ...KNOWN_NAMES]);

/**
 * The headers of a request for the service: the client's with the same names, order, duplicates and bytes, except
 * - hop-by-hop fields, and those that `Connection` nominates, if they are not known to be end-to-end (RFC 9110, section
 *   7.6.1);
 * - identity and override names, such as `X-User-Id`, `Remote-User` and `X-HTTP-Method-Override`, if the upstream does not
 *   accept them;
 * - forwarding names, such as `X-Real-IP` and `Forwarded`, from a peer that is not a trusted proxy;
 * - `X-Request-ID`, `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`, which the gateway writes;
 * - each of these, and `Content-Length` and `Transfer-Encoding`, with another mark for `-`: no trusted proxy writes these, so
 *   a stranger did.
 */
export function requestHeadersFor(
  rawHeaders: readonly string[],
  connection: string | undefined,
  facts: ForwardedFacts,
): string[] {
  const nominated = nominatedBy(connection);
  const headers: string[] = [];
  let forwardedFor = '';
  let forwardedProto = '';
  let forwardedHost = '';
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const value = rawHeaders[index + 1]!;
    if (nominated || isSpecial(name)) {
      const lower = name.toLowerCase();
      if (isHopByHop(lower) || (nominated?.has(lower) && !isEndToEnd(lower))) continue;
      const canonical = canonicalName(lower);
      const kind = kindOf(canonical);
      if (kind === 'written') {
        if (!facts.isPeerTrusted) continue;
        if (lower === 'x-forwarded-for') forwardedFor += value === '' ? '' : `${value}, `;
        else if (lower === 'x-forwarded-proto') forwardedProto = value;
        else if (lower === 'x-forwarded-host') forwardedHost = value;
        continue;
      }
      if (kind !== undefined && !mayPass(kind, lower, canonical, facts)) continue;
    }
    headers.push(name, value);
  }
  headers.push('X-Request-ID', facts.requestId, 'X-Forwarded-For', forwardedFor + facts.peerAddress);
  headers.push('X-Forwarded-Proto', forwardedProto || facts.protocol);
  // A request of HTTP/1.0 may have no host.
  const host = forwardedHost || facts.host;
  if (host !== '') headers.push('X-Forwarded-Host', host);
  return headers;
}

/** Whether a field of a known name goes to the service. Another spelling passes only as an accepted identity name. */
function mayPass(kind: NameKind, lower: string, canonical: string, facts: ForwardedFacts): boolean {
  if (kind === 'identity') return facts.accepted !== undefined && facts.accepted.has(lower);
  return lower === canonical && (kind === 'framing' || facts.isPeerTrusted);
}

/**
 * Fields that must not be in trailers, because they route, authenticate, control or describe a request (RFC 9110, section
 * 6.5.1). A service may merge trailers into the headers that the gateway has checked.
 */
const FORBIDDEN_REQUEST_TRAILERS: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'host',
  'max-forwards',
  'origin',
  'pragma',
  'range',
  'set-cookie',
]);

/** Whether a trailer goes to the service: not if it is forbidden, or a header of this name would be filtered. */
function mayBeTrailer(name: string): boolean {
  const lower = name.toLowerCase();
  const canonical = canonicalName(lower);
  if (isHopByHop(lower) || FORBIDDEN_REQUEST_TRAILERS.has(canonical) || canonical.startsWith('if-'))
    return false;
  return kindOf(canonical) === undefined;
}

/** A request's raw trailers for the service. */
export function requestTrailersFor(raw: readonly string[]): string[] {
  const trailers: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    if (mayBeTrailer(raw[index]!)) trailers.push(raw[index]!, raw[index + 1]!);
  }
  return trailers;
}

/** The names of a client's `Trailer` that go to the service; empty if there are none. */
export function announcedTrailers(trailer = ''): string {
  const names = trailer.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '' && mayBeTrailer(name)).join(', ');
}

/** The headers of an exchange's request for the service. */
export function forwardedHeadersOf(exchange: Exchange): string[] {
  const { headers, rawHeaders, socket } = exchange.request;
  return requestHeadersFor(rawHeaders, headers.connection, {
    requestId: exchange.id,
    peerAddress: exchange.peerAddress,
    isPeerTrusted: exchange.isPeerTrusted,
    protocol: 'encrypted' in socket ? 'https' : 'http',
    host: headers.host ?? '',
    accepted: exchange.route?.acceptedHeaders,
  });
}
