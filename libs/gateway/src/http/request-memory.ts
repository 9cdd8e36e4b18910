import { IncomingMessage } from 'node:http';

/** Bytes of a request without headers, with its response. */
const REQUEST_BYTES = 2 * 1024;

/** Bytes of a header beside its characters: two strings, and their places in arrays. Measured: 115. */
const HEADER_BYTES = 128;

/** Bytes of a part of a body beside its own: a buffer, and its place in the stream. */
const CHUNK_BYTES = 512;

/** Estimates the memory of a request without its body, in bytes. */
export function estimateMemoryBytes({ url, rawHeaders }: IncomingMessage): number {
  let bytes = REQUEST_BYTES + url!.length + (rawHeaders.length / 2) * HEADER_BYTES;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

/**
 * Reports the bytes of body that Node's parser reads while the request waits, and destroys it without an error. Until
 * `unwatch`.
 * @param onBody called with the estimated memory of each part of the body, in bytes
 */
export function watch(request: IncomingMessage, onBody: (bytes: number) => void): void {
  request.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk) onBody(chunk.length + CHUNK_BYTES);
    return IncomingMessage.prototype.push.call(request, chunk, encoding);
  };
  // When the connection closes, Node destroys each request with an error, whose stack trace costs more than the request.
  request.destroy = () => IncomingMessage.prototype.destroy.call(request);
}

/** The request waits no more: its body and its end are Node's again. */
export function unwatch(request: IncomingMessage): void {
  const { push, destroy } = IncomingMessage.prototype;
  Object.assign(request, { push, destroy });
}
