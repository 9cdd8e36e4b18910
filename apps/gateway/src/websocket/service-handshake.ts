import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { connect as connectTcp, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { forwardedHeadersOf, type Exchange } from '@app/proxy';

/** `Authorization` is written under one name, whatever the client's spelling: a renewed token takes its place. */
const LEFT_OUT: ReadonlySet<string> = new Set(['authorization', 'content-length']);

/**
 * The headers of a handshake with a service: as an HTTP request of this exchange would have them, less the client's
 * own handshake. @param allowedOrigin sent where the client has no Origin: services that demand one mean browsers, and
 * a native client has passed the gateway's own gate
 */
export function handshakeHeadersOf(exchange: Exchange, allowedOrigin: string): OutgoingHttpHeaders {
  const flat = forwardedHeadersOf(exchange);
  const names = new Map<string, string>();
  const headers: OutgoingHttpHeaders = {};
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
  if (origin === undefined) headers['Origin'] = allowedOrigin;
  return headers;
}

/** Connects to a service, and gives up with `ETIMEDOUT`. @param timeoutMs until the TCP (and TLS) connection stands */
export function connectWithin(timeoutMs: number, isSecure: boolean, options: NetConnectOpts): Socket {
  // `path` is the request's here; for a socket it would name a Unix domain.
  const plain = { ...options, path: undefined } as ConnectionOptions;
  const host = plain.host ?? '';
  const socket = isSecure
    ? connectTls({ ...plain, servername: isIP(host) === 0 ? host : '' })
    : connectTcp(plain as NetConnectOpts);
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' }));
  }, timeoutMs);
  const connected = isSecure ? 'secureConnect' : 'connect';
  const stop = (): void => {
    clearTimeout(timer);
    socket.off(connected, stop).off('close', stop);
  };
  return socket.once(connected, stop).once('close', stop);
}

/** The body of a response, or as much of it as the limit lets through. */
export async function bodyOf(response: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = limitBytes;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  return Buffer.concat(chunks);
}
