import type { IncomingMessage } from 'node:http';
import { BUFFERED_BODY_BYTES, hasBody } from './announced-body.js';

/** Safe methods (RFC 9110, section 9.2.1), which have no effect. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a request may be sent again after it was written: with a safe method and no body, or with a key and a small body on
 * a route with `retriesKeyed`. A body in chunks has no announced length, and does not count as small.
 */
export function isRetryableRequest(request: IncomingMessage, retriesKeyed: boolean): boolean {
  if (!hasBody(request)) return SAFE_METHODS.has(request.method!);
  const { 'idempotency-key': key, 'content-length': length } = request.headers;
  return retriesKeyed && key !== undefined && Number(length) <= BUFFERED_BODY_BYTES;
}
