import type { Socket } from 'node:net';

/**
 * Lets a connection that is paused read one chunk more, and no further ones. By itself Node reads on until 64 KiB wait, in
 * as many buffers as there are chunks: 65,536 buffers, 10 MB, if a peer sends byte by byte. A connection that is not paused
 * is read as before. Node has no public way to change the mark of a socket that it has made.
 */
export function limitReadAhead(socket: Socket): void {
  (socket as unknown as { readonly _readableState: { highWaterMark: number } })._readableState.highWaterMark =
    1;
}
