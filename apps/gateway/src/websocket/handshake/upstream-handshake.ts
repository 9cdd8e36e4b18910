import type { OutgoingHttpHeaders } from 'node:http';
import { forwardedHeadersOf, pickerFor, type AttemptedUpstream, type Exchange } from '@app/proxy';
import { ownOriginOf } from '../../cors/own-origin.js';
import { subprotocolsOf } from './client-handshake.js';
import type { WebSocketRoute } from './websocket-route.js';

/** A client's handshake in the form for the upstream. The gateway sends the same one again if the upstream restarts. */
export interface UpstreamHandshake {
  readonly target: string;
  /** The subprotocols that the client offers. */
  readonly offered: readonly string[];
  readonly headers: OutgoingHttpHeaders;
  /** Picks the instances of its attempts. */
  readonly upstream: AttemptedUpstream;
}

/** Headers that are not copied. `Authorization` is set under this one name, so that a renewed token can replace it. */
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
    headers: headersOf(exchange, allowedOrigin),
  };
}

/**
 * The headers that an HTTP request of this exchange would have, without `Sec-WebSocket-*`, which `ws` writes for its own
 * handshake; the offered subprotocols are the client's. `Authorization` is that of the client, or the token that was moved there.
 */
function headersOf(exchange: Exchange, allowedOrigin: string | undefined): OutgoingHttpHeaders {
  const flat = forwardedHeadersOf(exchange);
  const names = new Map<string, string>();
  // Without a prototype, since a client may send a header with the name of one of its members.
  const headers = Object.create(null) as OutgoingHttpHeaders;
  for (let index = 0; index < flat.length; index += 2) {
    const lower = flat[index]!.toLowerCase();
    if (lower.startsWith('sec-websocket-') || LEFT_OUT.has(lower)) continue;
    const name = names.get(lower) ?? flat[index]!;
    names.set(lower, name);
    const before = headers[name] as string | string[] | undefined;
    headers[name] = before === undefined ? flat[index + 1] : [before, flat[index + 1]!].flat();
  }
  const { authorization, origin, 'sec-websocket-protocol': offered } = exchange.request.headers;
  if (authorization !== undefined) headers['Authorization'] = authorization;
  if (offered !== undefined) headers['Sec-WebSocket-Protocol'] = offered;
  if (origin === undefined) headers['Origin'] = allowedOrigin ?? ownOriginOf(exchange);
  return headers;
}
