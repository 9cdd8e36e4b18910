import type { IncomingMessage } from 'node:http';
import { BodyTooLargeException } from '../http/exceptions.js';

/* What the headers of a request say of its body. */

/** Largest body that is read whole before its request goes to the service. */
export const BUFFERED_BODY_BYTES = 64 * 1024;

/** Whether a request has a body: it has a length above 0 or a transfer coding (RFC 9112, section 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  const announced = headers['content-length'];
  return announced === undefined ? headers['transfer-encoding'] !== undefined : announced !== '0';
}

/** Whether other code has read the body of a request. */
export function isBodyRead(request: IncomingMessage): boolean {
  return request.readableDidRead && hasBody(request);
}

/** The body of a request cannot be forwarded, because other code has read it. */
export class BodyReadError extends Error {
  override readonly name = 'BodyReadError';

  constructor() {
    super('the body of the request was read already; create the application with bodyParser: false');
  }
}

/** The announced length of a body in bytes; undefined if the body comes in chunks. */
export function announcedLengthOf({ headers }: IncomingMessage): number | undefined {
  const announced = headers['content-length'];
  return announced === undefined ? undefined : Number(announced);
}

/** Whether a body may fit into `BUFFERED_BODY_BYTES`. */
export function mayBeBuffered(request: IncomingMessage): boolean {
  const length = announcedLengthOf(request);
  return length === undefined || length <= BUFFERED_BODY_BYTES;
}

/** @throws BodyTooLargeException if the announced length is above the limit, before a byte is read */
export function checkAnnouncedLength(request: IncomingMessage, limitBytes: number): void {
  const length = announcedLengthOf(request);
  if (length !== undefined && length > limitBytes) throw new BodyTooLargeException(limitBytes);
}
