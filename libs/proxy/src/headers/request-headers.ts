import type { Exchange } from '../http/exchange.js';
import type { HeaderChanges } from '../http/header-changes.js';
import { ownProtocolOf } from '../http/own-protocol.js';
import { canonicalName, HOP_BY_HOP } from '../transport/field-names.js';
import { isEndToEnd } from './end-to-end.js';
import { forwardedValue } from './forwarded.js';
import { isHopByHop, nominatedBy } from './hop-by-hop.js';
import { kindOf, selectorOf, KNOWN_NAMES, type NameKind } from './name-kinds.js';

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
  /** See `RequestHeaderOptions`. Default: false. */
  readonly sendsForwarded?: boolean;
}

/** Options of the headers for a service. */
export interface RequestHeaderOptions {
  /** Whether the gateway sends `Forwarded` (RFC 7239). Otherwise that of a trusted proxy passes as it is. */
  readonly sendsForwarded: boolean;
}

/** Whether the name of a field may be hop-by-hop or have a kind. */
const isSpecial = selectorOf([...HOP_BY_HOP, ...KNOWN_NAMES]);

/**
 * Filters the headers of a request for the service: the client's with the same names, order, duplicates and bytes, except
 * - hop-by-hop fields, and those that `Connection` nominates, if they are not known to be end-to-end (RFC 9110, section
 *   7.6.1);
 * - identity and override names, such as `X-User-Id`, `Remote-User` and `X-HTTP-Method-Override`, if the upstream does not
 *   accept them;
 * - forwarding names, such as `X-Real-IP` and `Forwarded`, from a peer that is not a trusted proxy;
 * - `X-Request-ID`, `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`, which the gateway writes, and `Forwarded`, if it does;
 * - each of these, and `Content-Length` and `Transfer-Encoding`, with another mark for `-`: no trusted proxy writes these, so
 *   a stranger did.
 */
export function filterRequestHeaders(
  rawHeaders: readonly string[],
  connection: string | undefined,
  facts: ForwardedFacts,
): string[] {
  const nominated = nominatedBy(connection);
  const headers: string[] = [];
  let before: SaidBefore | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const value = rawHeaders[index + 1]!;
    if (nominated || isSpecial(name)) {
      const lower = name.toLowerCase();
      if (isHopByHop(lower) || (nominated?.has(lower) && !isEndToEnd(lower))) continue;
      const canonical = canonicalName(lower);
      const kind = kindOf(canonical);
      if (kind === 'written' || (facts.sendsForwarded && lower === 'forwarded')) {
        if (facts.isPeerTrusted) read((before ??= { ...NOTHING }), lower, value);
        continue;
      }
      if (kind !== undefined && !mayPass(kind, lower, canonical, facts)) continue;
    }
    headers.push(name, value);
  }
  addOwn(headers, facts, before ?? NOTHING);
  return headers;
}

/** What a trusted proxy says of the original request; each text is empty if it says nothing. */
interface SaidBefore {
  /** Each address with a comma behind it. */
  addresses: string;
  proto: string;
  host: string;
  port: string;
  forwarded: string;
}

const NOTHING: Readonly<SaidBefore> = { addresses: '', proto: '', host: '', port: '', forwarded: '' };

/** Reads a field of a trusted proxy. @param lower its name */
function read(before: SaidBefore, lower: string, value: string): void {
  if (value === '') return;
  if (lower === 'x-forwarded-for') before.addresses += `${value}, `;
  else if (lower === 'x-forwarded-proto') before.proto = value;
  else if (lower === 'x-forwarded-host') before.host = value;
  else if (lower === 'x-forwarded-port') before.port = toPort(value);
  else if (lower === 'forwarded') before.forwarded += before.forwarded === '' ? value : `, ${value}`;
}

/** Adds the fields that the gateway writes. */
function addOwn(headers: string[], facts: ForwardedFacts, before: Readonly<SaidBefore>): void {
  const { addresses, forwarded } = before;
  const proto = before.proto || facts.protocol;
  // A request of HTTP/1.0 may have no host.
  const host = before.host || facts.host;
  headers.push('X-Request-ID', facts.requestId, 'X-Forwarded-For', addresses + facts.peerAddress);
  headers.push('X-Forwarded-Proto', proto);
  if (host !== '') headers.push('X-Forwarded-Host', host);
  headers.push('X-Forwarded-Port', before.port === '' ? portOf(host, proto) : before.port);
  if (!facts.sendsForwarded) return;
  const own = { address: facts.peerAddress, host: facts.host, proto: facts.protocol };
  headers.push('Forwarded', forwardedValue({ forwarded, addresses, host, proto }, own));
}

const PORT = /^\d{1,5}$/;

/** The first of a list, as the outermost of several proxies wrote it. */
function firstOf(list: string): string {
  const comma = list.indexOf(',');
  return comma === -1 ? list : list.slice(0, comma).trimEnd();
}

/** A port of a list of them; empty if it is none (RFC 6335, section 6). */
function toPort(list: string): string {
  const text = firstOf(list);
  return PORT.test(text) && Number(text) > 0 && Number(text) <= 65_535 ? text : '';
}

/**
 * The port that the client asked for, as Traefik and Spring find it: that of the host, or else the default of the protocol.
 * @param host a list if several proxies have written it
 * @param proto as a proxy names it; some say `wss` for handshakes
 */
function portOf(host: string, proto: string): string {
  if (host.includes(':')) {
    const first = firstOf(host);
    const port = toPort(first.slice(first.lastIndexOf(':') + 1));
    if (port !== '' && first.includes(':')) return port;
  }
  if (proto === 'http') return '80';
  return SECURE.test(proto) ? '443' : '80';
}

const SECURE = /^(?:https|wss)/i;

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
function mayBeTrailer(name: string, changes: HeaderChanges | undefined): boolean {
  const lower = name.toLowerCase();
  const canonical = canonicalName(lower);
  if (isHopByHop(lower) || FORBIDDEN_REQUEST_TRAILERS.has(canonical) || canonical.startsWith('if-'))
    return false;
  return kindOf(canonical) === undefined && !changes?.hasRemoved(name);
}

/** A request's raw trailers for the service. @param changes of the request's headers */
export function requestTrailersFor(raw: readonly string[], changes?: HeaderChanges): string[] {
  const trailers: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    if (mayBeTrailer(raw[index]!, changes)) trailers.push(raw[index]!, raw[index + 1]!);
  }
  return trailers;
}

/** The names of a client's `Trailer` that go to the service; empty if there are none. @param changes as above */
export function announcedTrailers(trailer: string, changes?: HeaderChanges): string {
  const names = trailer.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '' && mayBeTrailer(name, changes)).join(', ');
}

/**
 * The headers of every request and handshake of an exchange for an upstream, with the changes of rules and gates.
 * `formatRequestHead` adds those of the connection.
 */
export function createUpstreamHeaders(
  exchange: Exchange,
  { sendsForwarded }: RequestHeaderOptions,
): string[] {
  const { headers, rawHeaders, socket } = exchange.request;
  const fields = filterRequestHeaders(rawHeaders, headers.connection, {
    requestId: exchange.id,
    peerAddress: exchange.peerAddress,
    isPeerTrusted: exchange.isPeerTrusted,
    protocol: ownProtocolOf(socket),
    host: headers.host ?? '',
    accepted: exchange.route?.acceptedHeaders,
    sendsForwarded,
  });
  return exchange.requestChanges?.applyTo(fields) ?? fields;
}

/** The fields with this one in place of all others of its name. @param fields name, value, name, value */
export function withField(fields: readonly string[], name: string, value: string): string[] {
  const lower = name.toLowerCase();
  const changed = [name, value];
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index]!.toLowerCase() !== lower) changed.push(fields[index]!, fields[index + 1]!);
  }
  return changed;
}
