import type { IncomingMessage, ServerResponse } from 'node:http';

/** Writes the response to an exception: exactly one. It never throws. */
export interface Responder {
  respond(request: IncomingMessage, response: ServerResponse, thrown: unknown): void;
}
