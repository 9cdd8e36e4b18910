import type { IncomingMessage, ServerResponse } from 'node:http';

/** Writes the response to an exception. */
export interface Responder {
  /**
   * Writes exactly one response to a request or a WebSocket handshake, and stores the exception in `exchange.failure`
   * for the access log line. If bytes of another response have been sent, destroys the connection instead. Should not
   * throw.
   */
  respond(request: IncomingMessage, response: ServerResponse, thrown: unknown): void;
}

/**
 * Token under which any module may provide a responder that replaces the gateway's own:
 * `{ provide: ERROR_RESPONDER, useClass: ProblemResponder }`. A class that extends `ErrorResponder` needs to override
 * `toErrorResponse` only.
 */
export const ERROR_RESPONDER = Symbol('ERROR_RESPONDER');
