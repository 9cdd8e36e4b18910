import {
  forwardedHeadersOf,
  formatUpgradeHead,
  pickerFor,
  type AttemptedUpstream,
  type Exchange,
  type ResponseHead,
} from '@app/proxy';
import { ownOriginOf } from '../../cors/own-origin.js';
import { acceptOf, subprotocolsOf, VERSION } from './client-handshake.js';
import type { WebSocketRoute } from './websocket-route.js';

/** A client's handshake in the form for the upstream. The gateway sends the same one again if the upstream restarts. */
export interface UpstreamHandshake {
  readonly target: string;
  /** The subprotocols that the client offers. */
  readonly offered: readonly string[];
  /** All other headers: name, value, name, value. */
  readonly fields: readonly string[];
  /** Picks the instances of its attempts. */
  readonly upstream: AttemptedUpstream;
  /** `Authorization`. A renewed token replaces it. */
  authorization: string | undefined;
}

/** Headers that are not copied. */
const LEFT_OUT: ReadonlySet<string> = new Set(['authorization', 'content-length']);

/**
 * Makes the upstream's handshake from the client's.
 * @param allowedOrigin sent as `Origin` if the client has none: upstreams demand an `Origin` because of browsers, and the
 * gateway has accepted this client without one. Default: the request's own scheme and host
 */
export function createUpstreamHandshake(
  exchange: Exchange,
  route: WebSocketRoute,
  allowedOrigin: string | undefined,
): UpstreamHandshake {
  const { request } = exchange;
  const { proxy, forwardOptions } = route.proxyRoute;
  return {
    upstream: pickerFor(proxy, exchange, forwardOptions),
    target: route.proxyRoute.toUpstreamTarget(request.url!),
    offered: subprotocolsOf(request.headers['sec-websocket-protocol']),
    fields: fieldsOf(exchange, allowedOrigin),
    authorization: request.headers.authorization,
  };
}

/**
 * The headers that an HTTP request of this exchange would have, without `Sec-WebSocket-*`, which are the gateway's own; the
 * offered subprotocols are the client's.
 */
function fieldsOf(exchange: Exchange, allowedOrigin: string | undefined): string[] {
  const flat = forwardedHeadersOf(exchange);
  const fields: string[] = [];
  for (let index = 0; index < flat.length; index += 2) {
    const lower = flat[index]!.toLowerCase();
    if (!lower.startsWith('sec-websocket-') && !LEFT_OUT.has(lower))
      fields.push(flat[index]!, flat[index + 1]!);
  }
  const { origin, 'sec-websocket-protocol': offered } = exchange.request.headers;
  if (offered !== undefined) fields.push('Sec-WebSocket-Protocol', offered);
  const ownOrigin = origin === undefined ? (allowedOrigin ?? ownOriginOf(exchange)) : undefined;
  if (ownOrigin !== undefined) fields.push('Origin', ownOrigin);
  return fields;
}

/** Formats a handshake (RFC 6455, section 4.1). @param key a nonce of this handshake alone */
export function formatHandshake({ target, fields, authorization }: UpstreamHandshake, key: string): string {
  const all = [...fields, 'Sec-WebSocket-Version', VERSION, 'Sec-WebSocket-Key', key];
  if (authorization !== undefined) all.push('Authorization', authorization);
  return formatUpgradeHead(target, all, 'websocket');
}

/**
 * Checks an upstream's 101 as a client must (RFC 6455, section 4.1). No extension was offered. Unlike a browser, lets an
 * upstream choose none of the offered subprotocols.
 * @param key that of the handshake
 * @returns the subprotocol that the upstream chose; empty if it chose none
 * @throws Error if the upstream must not send this 101
 */
export function subprotocolOf({ headers }: ResponseHead, key: string, offered: readonly string[]): string {
  if (fieldOf(headers, 'upgrade')?.toLowerCase() !== 'websocket') throw new Error('Upgrade is not websocket');
  const options = fieldOf(headers, 'connection')?.toLowerCase().split(',');
  if (!options?.some((option) => option.trim() === 'upgrade')) throw new Error('Connection is not Upgrade');
  if (fieldOf(headers, 'sec-websocket-accept') !== acceptOf(key)) {
    throw new Error('wrong Sec-WebSocket-Accept');
  }
  if (fieldOf(headers, 'sec-websocket-extensions') !== undefined) throw new Error('no extension was offered');
  const subprotocol = fieldOf(headers, 'sec-websocket-protocol') ?? '';
  if (subprotocol !== '' && !offered.includes(subprotocol)) {
    throw new Error(`subprotocol ${subprotocol} was not offered`);
  }
  return subprotocol;
}

/** The value of a field; those of a repeated field are joined (RFC 9110, section 5.3). */
function fieldOf(headers: readonly string[], lowerName: string): string | undefined {
  let value: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    if (name.length !== lowerName.length || name.toLowerCase() !== lowerName) continue;
    value = value === undefined ? headers[index + 1]! : `${value}, ${headers[index + 1]!}`;
  }
  return value;
}
