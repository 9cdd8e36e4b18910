import type { IncomingMessage, ServerResponse } from 'node:http';

/** Milliseconds for which a client may still send its body after the response, so that it can read the response. */
const LINGER_MS = 1_000;

/**
 * Ends the connection of a client that still sends its body a second after the response. Otherwise a slow client could
 * hold the connection for ever.
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
