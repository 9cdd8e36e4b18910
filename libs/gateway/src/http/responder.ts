import type { IncomingMessage, ServerResponse } from 'node:http';

/** Writes the response to an exception. */
export interface Responder {
  /**
   * Writes exactly one response, for requests and WebSocket handshakes, and keeps the exception in `exchange.failure` for
   * the access line. If bytes of another response are out, destroys the connection instead. Should not throw.
   */
  respond(request: IncomingMessage, response: ServerResponse, thrown: unknown): void;
}

/**
 * The responder of a team, in place of the gateway's own: `{ provide: ERROR_RESPONDER, useClass: ProblemResponder }` in any
 * module. A class that extends `ErrorResponder` needs to replace `toErrorResponse` only.
 */
export const ERROR_RESPONDER = Symbol('ERROR_RESPONDER');
