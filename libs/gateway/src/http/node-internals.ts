import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/*
 * Uses private parts of Node, as version 24 has them; package.json pins it. Only this file and the one of the same name in
 * `libs/proxy` use any. A new version must pass the tests that the functions name.
 */

/**
 * The response that is pending on a connection, also before its first byte; undefined if none is due. Node has no
 * public property for it. Test: half-close.
 */
export function pendingResponseOf(socket: Socket): ServerResponse | undefined {
  return (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/**
 * Keeps a connection open for its pending responses after its client has ended its half. By default Node's server drops
 * these responses and ends the connection. Node has no option for it. Test: half-close.
 */
export function allowHalfOpen(server: Server): void {
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
}

/**
 * A copy of the bytes that the parser of a connection is reading now; undefined between two reads. The parser accepts
 * RTSP as HTTP and does not report the difference: only the bytes show it. Test: request-grammar.
 */
export function copyParsedBytes(socket: Socket): Buffer | undefined {
  const { parser } = socket as { parser?: { getCurrentBuffer?: () => Buffer } };
  return parser?.getCurrentBuffer?.();
}

/**
 * Lets a paused connection read one more chunk only. By default Node reads on until 64 KiB wait, with one buffer for
 * each chunk: 65,536 buffers, 10 MB, if the other end sends byte by byte. Connections that are not paused are read as
 * before. Node has no public way to change the high-water mark of a socket that it has created. Test: relay-end.
 */
export function limitReadAhead(socket: Socket): void {
  (socket as unknown as { readonly _readableState: { highWaterMark: number } })._readableState.highWaterMark =
    1;
}
