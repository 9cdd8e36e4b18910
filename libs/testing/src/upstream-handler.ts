import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { RecordedRequest } from './recorded-request.js';

/** A whole response. */
export interface FakeResponse {
  /** Default: 200. */
  readonly status?: number;
  /** Default: `Content-Type: application/json` if the body is an object, and the length of the body. */
  readonly headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON. Default: empty. */
  readonly body?: string | Uint8Array | object;
}

/**
 * Responds to one request: returns a whole response, or writes to Node's own. Is called once the request is recorded, whose body is
 * whole then. If it throws, the response is 500 with the message of the error.
 */
export interface UpstreamHandler {
  (request: RecordedRequest, response: ServerResponse): FakeResponse | void | Promise<FakeResponse | void>;
  /** Whether it runs when the head of a request has come. Its body can be read from `response.req`. Default: false. */
  readonly isBeforeBody?: boolean;
}

/** Writes a whole response. */
export function writeResponse(
  response: ServerResponse,
  { status = 200, headers = {}, body }: FakeResponse,
): void {
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  const bytes = isJson ? JSON.stringify(body) : (body ?? '');
  if (isJson) response.setHeader('Content-Type', 'application/json');
  response.setHeader('Content-Length', Buffer.byteLength(bytes));
  response.writeHead(status, headers).end(bytes);
}
