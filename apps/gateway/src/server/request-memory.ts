import { IncomingMessage } from 'node:http';

/** Bytes of a request without headers, with its response. */
const REQUEST_BYTES = 2 * 1024;

/** Bytes of a header beside its characters: two strings, and their places in arrays. Measured: 115. */
const HEADER_BYTES = 128;

/** Bytes of a part of a body beside its own: a buffer, and its place in the stream. */
const CHUNK_BYTES = 512;

/** Estimates the memory of a request without its body, in bytes. */
export function memoryOf({ url, rawHeaders }: IncomingMessage): number {
  let bytes = REQUEST_BYTES + url!.length + (rawHeaders.length / 2) * HEADER_BYTES;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

/**
 * Estimates the memory of a body that Node's parser reads before anybody reads the request.
 * @param add called with the bytes of each part
 */
export function watchBody(request: IncomingMessage, add: (bytes: number) => void): void {
  request.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk) add(chunk.length + CHUNK_BYTES);
    return IncomingMessage.prototype.push.call(request, chunk, encoding);
  };
}

export function unwatchBody(request: IncomingMessage): void {
  request.push = IncomingMessage.prototype.push;
}
