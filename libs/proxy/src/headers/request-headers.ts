import type { Exchange } from '../exchange.js';
import { isEndToEnd } from './end-to-end.js';
import { isHopByHop, lengthsOf, nominatedBy } from './hop-by-hop.js';

/** What the gateway itself says about the exchange to the service. */
export interface ForwardedFacts {
  readonly requestId: string;
  /** The address of whoever holds the connection to the gateway. */
  readonly peerAddress: string;
  /** Whether that peer may speak for others. */
  readonly peerTrusted: boolean;
  readonly protocol: 'http' | 'https';
  readonly host: string;
}

/** Names that the gateway writes itself, or that undici refuses: never copied from the client. */
const OWN = new Set([
  'expect',
  'trailer',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
]);

/** What a trusted proxy may say beside the three that the gateway writes on; one that does not know a name passes it on. */
const VOUCHED_FOR = new Set(['x-forwarded-port', 'x-forwarded-prefix', 'x-real-ip', 'forwarded']);

/** The lengths of all names that are treated specially, but for those that begin with `x`. */
const SPECIAL_LENGTHS = lengthsOf(['expect', 'trailer', 'forwarded']);

/**
 * The client's raw headers as the service gets them: names, order, duplicates and bytes survive, except
 * - hop-by-hop fields, and those that `Connection` nominates, if they are not known to be end-to-end (RFC 9110, section
 *   7.6.1);
 * - `X-User-*`, which a service might take for the gateway's word, in any spelling with `_` too;
 * - `X-Forwarded-*`, `X-Real-IP` and `Forwarded` of a peer that is not trusted; of one that is, those with `_` in them,
 *   and `X-Forwarded-*` that it need not know, such as `X-Forwarded-User`;
 * - `X-Request-ID` and the three `X-Forwarded-*` of the contract, which the gateway writes.
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
    const startsWithX = (name.charCodeAt(0) | 0x20) === 0x78;
    if (startsWithX || nominated || SPECIAL_LENGTHS.has(name.length)) {
      const lower = startsWithX ? name.toLowerCase().replaceAll('_', '-') : name.toLowerCase();
      if (isHopByHop(lower)) continue;
      if (nominated?.has(name.toLowerCase()) && !isEndToEnd(lower)) continue;
      if (startsWithX || OWN.has(lower) || lower === 'forwarded') {
        if (lower.startsWith('x-user-')) continue;
        // A trusted proxy writes no `_`: what has one was passed on for a stranger.
        if ((!facts.peerTrusted || name.includes('_')) && isForwardingField(lower)) continue;
        if (lower === 'x-forwarded-for') forwardedFor += value === '' ? '' : `${value}, `;
        else if (lower === 'x-forwarded-proto') forwardedProto = value;
        else if (lower === 'x-forwarded-host') forwardedHost = value;
        if (OWN.has(lower) || (isForwardingField(lower) && !VOUCHED_FOR.has(lower))) continue;
      }
    }
    headers.push(name, value);
  }
  headers.push(
    'X-Request-ID',
    facts.requestId,
    'X-Forwarded-For',
    forwardedFor + facts.peerAddress,
    'X-Forwarded-Proto',
    forwardedProto || facts.protocol,
  );
  // A request of HTTP/1.0 may have no host.
  const host = forwardedHost || facts.host;
  if (host !== '') headers.push('X-Forwarded-Host', host);
  return headers;
}

function isForwardingField(lower: string): boolean {
  return lower.startsWith('x-forwarded') || lower === 'x-real-ip' || lower === 'forwarded';
}

/** The headers with which an exchange goes to the service. */
export function forwardedHeadersOf(exchange: Exchange): string[] {
  const { headers, rawHeaders, socket } = exchange.request;
  return requestHeadersFor(rawHeaders, headers.connection, {
    requestId: exchange.id,
    peerAddress: exchange.peerAddress,
    peerTrusted: exchange.peerTrusted,
    protocol: 'encrypted' in socket ? 'https' : 'http',
    host: headers.host ?? '',
  });
}
