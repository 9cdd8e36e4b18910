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
