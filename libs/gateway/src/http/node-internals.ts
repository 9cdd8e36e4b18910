import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/*
 * The one place that touches private parts of Node, as version 24 has them. Another version must pass the tests that each
 * function names.
 */

/**
 * The response that a client waits for on a connection, also before its first byte; undefined if none is due. Node's server
 * keeps it and tells nobody. Test: half-close.
 */
export function pendingResponseOf(socket: Socket): ServerResponse | undefined {
  return (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/**
 * Keeps a connection for the responses that are due on it when its client ends its half; by itself Node's server drops them
 * and ends the connection. No option sets it. Test: half-close.
 */
export function allowHalfOpen(server: Server): void {
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
}

/**
 * The bytes that the parser of a connection reads now, as a copy; undefined between two reads. The parser takes RTSP for
 * HTTP and tells nobody: only the bytes show it. Test: request-grammar.
 */
export function copyParsedBytes(socket: Socket): Buffer | undefined {
  const { parser } = socket as { parser?: { getCurrentBuffer?: () => Buffer } };
  return parser?.getCurrentBuffer?.();
}

/**
 * Lets a connection that is paused read one chunk more, and no further ones. By itself Node reads on until 64 KiB wait, in
 * as many buffers as there are chunks: 65,536 buffers, 10 MB, if a peer sends byte by byte. A connection that is not paused
 * is read as before. A socket that Node has made has no public way to change its high-water mark. Test: relay-end.
 */
export function limitReadAhead(socket: Socket): void {
  (socket as unknown as { readonly _readableState: { highWaterMark: number } })._readableState.highWaterMark =
    1;
}
