import { IncomingMessage } from 'node:http';

/** Memory of a request without headers, together with its response object, in bytes. */
const REQUEST_BYTES = 2 * 1024;

/**
 * Memory of a header in addition to its characters, in bytes: two strings, and their places in arrays. Measured: 115.
 */
const HEADER_BYTES = 128;

/** Memory of a chunk of a body in addition to its content, in bytes: a buffer, and its place in the stream. */
const CHUNK_BYTES = 512;

/** Estimates the memory of a request without its body, in bytes. */
export function estimateMemoryBytes({ url, rawHeaders }: IncomingMessage): number {
  let bytes = REQUEST_BYTES + url!.length + (rawHeaders.length / 2) * HEADER_BYTES;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

/**
 * Watches a waiting request until `unwatch`: reports each chunk of its body that Node's parser reads, and lets Node
 * destroy the request without an error.
 * @param onBody called with the estimated memory of each chunk, in bytes
 */
export function watch(request: IncomingMessage, onBody: (bytes: number) => void): void {
  request.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk) onBody(chunk.length + CHUNK_BYTES);
    return IncomingMessage.prototype.push.call(request, chunk, encoding);
  };
  // When the connection closes, Node destroys each request with an error, whose stack trace costs more than the
  // request.
  request.destroy = () => IncomingMessage.prototype.destroy.call(request);
}

/** Ends `watch`: restores Node's own methods of the request. */
export function unwatch(request: IncomingMessage): void {
  const { push, destroy } = IncomingMessage.prototype;
  Object.assign(request, { push, destroy });
}
