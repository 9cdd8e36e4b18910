import assert from 'node:assert/strict';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { toErrorResponse, type ErrorResponder, type ErrorResponse } from '@app/gateway';
import { HttpException, NotFoundException, UnauthorizedException } from '@nestjs/common';
import { kitCase, type KitCase } from './kit-case.js';

const REQUEST_ID = 'kit-request-1';
const SECRET = 'postgres://admin:secret@db.internal';

/** Values that code may throw. Of those that are no `HttpException` a client learns nothing. */
const THROWN: readonly unknown[] = [
  new Error(SECRET),
  Object.assign(new TypeError(SECRET), { status: 418, headers: ['X-Secret', SECRET] }),
  SECRET,
  { message: SECRET, status: 404 },
  [SECRET],
  404,
  undefined,
  null,
  Object.create(null),
  Symbol(SECRET),
];

const EXCEPTIONS: readonly HttpException[] = [
  new HttpException('Bad request', 400),
  new UnauthorizedException(),
  new NotFoundException(),
  new HttpException('Slow down', 429),
  new HttpException({ error: 'Too large', limit_bytes: 10 }, 413),
  new HttpException('', 403),
  new HttpException('Down', 503, { errorCode: 'UPSTREAM_UNREACHABLE' }),
  new HttpException({ message: ['two', 'messages'], statusCode: 400 }, 400),
  new HttpException('"quotes", \u{1f4a5} and \r\n', 400),
];

/** An exception that demands a header of its response (RFC 9110, section 15.5.6). */
class MethodException extends HttpException {
  readonly headers: readonly string[] = ['Allow', 'GET, HEAD'];

  constructor() {
    super('Method not allowed', 405);
  }
}

/**
 * What every `ErrorResponder` must do: a valid `ErrorResponse` for each exception and for any other thrown value, at once, with the
 * headers that the exception demands, and without a word of an unexpected error.
 */
export const errorResponderKit: readonly KitCase<ErrorResponder>[] = [
  kitCase('makes a response to each exception', (responder) => {
    for (const exception of [...EXCEPTIONS, new MethodException()]) {
      assertWritable(responder.toErrorResponse(exception, REQUEST_ID));
    }
  }),
  kitCase('makes a response to any thrown value', (responder) => {
    for (const thrown of THROWN) assertWritable(responder.toErrorResponse(thrown, REQUEST_ID));
  }),
  kitCase('says nothing of an unexpected error', (responder) => {
    for (const thrown of THROWN) {
      const { body, headers, contentType = '' } = responder.toErrorResponse(thrown, REQUEST_ID);
      assert.ok(![body, contentType, ...headers].join('\n').includes('secret'), `${body} shows the error`);
    }
  }),
  kitCase('makes a response without a request id', (responder) => {
    assertWritable(responder.toErrorResponse(new NotFoundException(), ''));
  }),
  kitCase('keeps the headers that an exception demands', (responder) => {
    for (const exception of [new MethodException(), ...EXCEPTIONS, ...THROWN]) {
      const demanded = pairsOf(toErrorResponse(exception, REQUEST_ID));
      const made = pairsOf(responder.toErrorResponse(exception, REQUEST_ID));
      for (const pair of demanded) assert.ok(made.includes(pair), `the header '${pair}' is missing`);
    }
  }),
  kitCase('makes the same response to the same exception', (responder) => {
    for (const exception of EXCEPTIONS) {
      const [first, second] = [1, 2].map(() => responder.toErrorResponse(exception, REQUEST_ID));
      assert.deepEqual(first, second);
    }
  }),
];

function assertWritable(response: ErrorResponse): void {
  assert.ok(!(response instanceof Promise), 'the responder returns a promise');
  const { status, body, headers, contentType } = response;
  const isStatus =
    Number.isInteger(status) && status >= 200 && status <= 599 && ![204, 205, 304].includes(status);
  assert.ok(isStatus, `${status} is no status of a response with a body`);
  assert.equal(typeof body, 'string');
  assert.ok(Array.isArray(headers) && headers.length % 2 === 0, 'headers are not names and values in turn');
  for (const [index, text] of headers.entries()) {
    if (index % 2 === 0) assertName(text);
    else validateHeaderValue('X-Kit', text);
  }
  if (contentType !== undefined) validateHeaderValue('Content-Type', contentType);
}

function assertName(name: string): void {
  validateHeaderName(name);
  assert.doesNotMatch(
    name,
    /^(?:content-type|content-length|transfer-encoding)$/i,
    'the gateway writes this header',
  );
}

function pairsOf({ headers }: ErrorResponse): string[] {
  return headers.flatMap((name, index) =>
    index % 2 === 0 ? [`${name.toLowerCase()}: ${headers[index + 1]}`] : [],
  );
}
