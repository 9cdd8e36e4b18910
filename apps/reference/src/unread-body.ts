import type { IncomingMessage, ServerResponse } from 'node:http';

/** Milliseconds for which a client may go on to send a body after its response, so that it gets to read that. */
const LINGER_MS = 1_000;

/**
 * Ends the connection of a client that still sends its body a second after the response: a slow one would otherwise hold
 * its connection for as long as it likes, though nobody reads what it sends.
 */
export function endUnreadBody(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  response.once('finish', () => {
    if (request.complete) return;
    const timer = setTimeout(() => request.destroy(), LINGER_MS).unref();
    request.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    request.resume();
  });
  next();
}
