import type { IncomingHttpHeaders } from 'node:http';

/** The server did not open the WebSocket: its response has another status than 101. */
export class HandshakeRefusedError extends Error {
  override readonly name = 'HandshakeRefusedError';

  constructor(
    readonly status: number,
    readonly headers: IncomingHttpHeaders,
    /** The whole body of the response. */
    readonly body: string,
  ) {
    super(`The handshake was refused with ${status}: ${body}`);
  }
}
