import { toErrorResponse, type ErrorResponse } from '../http/error-response.js';
import { Injectable } from '@nestjs/common';

/**
 * Makes the responses to exceptions. A team replaces it by a provider in any module:
 * `{ provide: ErrorResponder, useClass: ProblemResponder }`. Two such providers are an error at boot.
 *
 * The gateway writes the response, exactly once, for requests and for handshakes, with the headers that every response of the
 * gateway has, and without the body for HEAD. So a responder says only status, headers and body.
 */
export abstract class ErrorResponder {
  /**
   * Makes the response to an exception. It runs in the turn of the event loop in which the response is written: a promise is no
   * valid result, and a slow call delays all clients.
   *
   * If it throws, or its result is invalid or cannot be written, the client gets the gateway's own response to the same
   * exception. The gateway logs `error responder failed`, at most every 10 s.
   *
   * @param exception an `HttpException` of Nest, or any other thrown value. Of the latter the client must learn nothing.
   * @param requestId also in `X-Request-Id` and the log; empty if there is no request yet
   * @returns see `ErrorResponse`. `headers` must contain those of `toErrorResponse(exception, requestId)`: `Allow`,
   * `WWW-Authenticate`, `Retry-After`, and `X-Gateway-Error`, by which others tell it from a response of the upstream.
   */
  abstract toErrorResponse(exception: unknown, requestId: string): ErrorResponse;
}

/** The gateway's own: `{"error": MESSAGE, ...fields, "request_id": ID}`. */
@Injectable()
export class JsonErrorResponder extends ErrorResponder {
  toErrorResponse(exception: unknown, requestId: string): ErrorResponse {
    return toErrorResponse(exception, requestId);
  }
}
