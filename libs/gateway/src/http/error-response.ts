import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';

/** What a client gets for an exception. */
export interface ErrorResponse {
  readonly status: number;
  /** Empty if the contract wants no body. */
  readonly body: string;
  /** Media type of the body. Default: `application/json; charset=utf-8`. */
  readonly contentType?: string;
  /** Name, value, name, value. */
  readonly headers: readonly string[];
}

/**
 * The header of every 5xx that is the gateway's own: its code, so that the reader of a 503 knows whether the service
 * or the gateway said it. Services' own 5xx have none.
 */
export const GATEWAY_ERROR = 'X-Gateway-Error';

/**
 * What every response says that the gateway makes itself: it is what its `Content-Type` says, loads nothing, stands in no
 * frame, and tells nobody its address. A service's own responses are the service's to protect.
 */
export const OWN_RESPONSE_HEADERS: readonly string[] = [
  'X-Content-Type-Options',
  'nosniff',
  'Content-Security-Policy',
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  'Referrer-Policy',
  'no-referrer',
];

/** The code of what has none. */
export const INTERNAL_ERROR = 'INTERNAL_ERROR';

/** What a header can carry; a team's code may be any text. */
const CODE = /^[\x21-\x7e]+$/;

/**
 * The answer for any exception: `{"error": MESSAGE, ...fields, "request_id": ID}`. Only an `HttpException` speaks for
 * itself. Any other error is a fault of the gateway: the client reads nothing of it.
 */
export function toErrorResponse(exception: unknown, requestId: string): ErrorResponse {
  if (!(exception instanceof HttpException)) {
    const headers = [GATEWAY_ERROR, INTERNAL_ERROR];
    return { status: 500, body: bodyOf('Internal server error', {}, requestId), headers };
  }
  const status = exception.getStatus();
  const content = exception.getResponse();
  const headers = [...((exception as { headers?: readonly string[] }).headers ?? [])];
  if (status >= 500) headers.push(GATEWAY_ERROR, codeOf(exception));
  if (content === '') return { status, body: '', headers };
  if (typeof content === 'string') return { status, body: bodyOf(content, {}, requestId), headers };
  // Nest's own exceptions are {statusCode, message, error}; the contract's are {error, ...fields}.
  const { statusCode, message, error, ...fields } = content as Record<string, unknown>;
  if (statusCode === undefined) return { status, body: bodyOf(error ?? message, fields, requestId), headers };
  const text = status === 404 ? 'Not found' : (message ?? error);
  return { status, body: bodyOf(text, fields, requestId), headers };
}

/** The exception's code, where a header can carry it. */
export function codeOf({ errorCode }: HttpException): string {
  return errorCode !== undefined && CODE.test(errorCode) ? errorCode : INTERNAL_ERROR;
}

function bodyOf(message: unknown, fields: object, requestId: string): string {
  return JSON.stringify({ error: message ?? 'Error', ...fields, request_id: requestId });
}

/**
 * The same as raw HTTP, for a connection that has no response object. It ends with the answer.
 * @param headers name, value, name, value
 */
export function formatRawResponse(status: number, message: string, headers: readonly string[] = []): string {
  const body = JSON.stringify({ error: message });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'Connection: close',
    ...linesOf([...headers, ...OWN_RESPONSE_HEADERS]),
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

function linesOf(headers: readonly string[]): string[] {
  return headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : []));
}
