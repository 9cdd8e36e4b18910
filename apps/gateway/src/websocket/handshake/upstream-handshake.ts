import type { OutgoingHttpHeaders } from 'node:http';
import { forwardedHeadersOf, type Exchange } from '@app/proxy';
import { ownOriginOf } from '../../cors/own-origin.js';
import { subprotocolsOf } from './client-handshake.js';
import type { WebSocketRoute } from './websocket-route.js';

/** A client's handshake as the upstream gets it; the same one serves again if the upstream restarts. */
export interface UpstreamHandshake {
  readonly target: string;
  /** The subprotocols that the client offers. */
  readonly offered: readonly string[];
  readonly headers: OutgoingHttpHeaders;
}

/** `Authorization` is written under one name, whatever the client's spelling: a renewed token takes its place. */
const LEFT_OUT: ReadonlySet<string> = new Set(['authorization', 'content-length']);

/**
 * Makes the handshake for the upstream of a client's.
 * @param allowedOrigin sent if the client has no Origin: services that demand one mean browsers, and a native
 * client has passed the gateway's own gate. Default: the request's own scheme and host
 */
export function createUpstreamHandshake(
  exchange: Exchange,
  route: WebSocketRoute,
  allowedOrigin: string | undefined,
): UpstreamHandshake {
  const { request } = exchange;
  return {
    target: route.proxyRoute.toUpstreamTarget(request.url!),
    offered: subprotocolsOf(request.headers['sec-websocket-protocol']),
    headers: headersOf(exchange, allowedOrigin),
  };
}

/** As an HTTP request of this exchange would have them, less the client's own handshake. */
function headersOf(exchange: Exchange, allowedOrigin: string | undefined): OutgoingHttpHeaders {
  const flat = forwardedHeadersOf(exchange);
  const names = new Map<string, string>();
  // Without a prototype, whose members a client may name.
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
