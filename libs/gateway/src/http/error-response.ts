import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';

/** The HTTP response to an exception. */
export interface ErrorResponse {
  readonly status: number;
  /** Empty if the contract demands a response without a body. */
  readonly body: string;
  /** Media type of the body. Default: `application/json; charset=utf-8`. */
  readonly contentType?: string;
  /** Names and values in turn: name, value, name, value. */
  readonly headers: readonly string[];
}

/**
 * Header of every 5xx that the gateway itself makes; its value is the exception's code. A 5xx of an upstream has no
 * such header, so the reader of a 503 can tell which of the two sent it.
 */
export const GATEWAY_ERROR = 'X-Gateway-Error';

/**
 * Headers of every response that the gateway itself makes. A browser then takes the `Content-Type` as given, loads
 * nothing for the response, shows it in no frame and sends no `Referer` from it. Upstreams protect their own responses.
 */
export const OWN_RESPONSE_HEADERS: readonly string[] = [
  'X-Content-Type-Options',
  'nosniff',
  'Content-Security-Policy',
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  'Referrer-Policy',
  'no-referrer',
];

/** The code of errors and exceptions without a code of their own. */
export const INTERNAL_ERROR = 'INTERNAL_ERROR';

/** Codes that a header can carry; a team's code may be any text. */
const CODE = /^[\x21-\x7e]+$/;

/**
 * Makes the response to any thrown value: `{"error": MESSAGE, ...fields, "request_id": ID}`. Status, message and fields
 * come from an `HttpException`. Any other value is an internal error: a 500 that shows the client nothing of it.
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

/** The exception's code if a header can carry it, else `INTERNAL_ERROR`. */
export function codeOf(exception: HttpException): string {
  const { errorCode } = exception;
  return errorCode !== undefined && CODE.test(errorCode) ? errorCode : INTERNAL_ERROR;
}

function bodyOf(message: unknown, fields: object, requestId: string): string {
  return JSON.stringify({ error: message ?? 'Error', ...fields, request_id: requestId });
}

/**
 * Formats an error response as raw HTTP, for a connection that has no response object. The response closes the
 * connection.
 * @param headers names and values in turn. Default: none
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
