import type { IncomingMessage, ServerResponse } from 'node:http';

/*
 * Uses private parts of Node, as version 24 has them; package.json pins it. Only this file and the one of the same name in
 * `libs/gateway` do so. A new version must pass the tests that the functions name.
 */

/** A head as it goes to the client, and what Node must know of it. */
export interface FormattedHead {
  readonly status: number;
  readonly phrase: string;
  /** Status line, fields and the empty line; each character is one byte. */
  readonly text: string;
  readonly hasBody: boolean;
  /** Whether Node sends the body in chunks. */
  readonly isChunked: boolean;
  /** Whether Node closes the connection behind the response. */
  readonly closesConnection: boolean;
}

/**
 * Sets the head of a response; Node sends it with the first bytes of the body. `writeHead` would check each field again,
 * and change the bytes of `Content-Disposition`. Test: client-head.
 */
export function setHead(response: ServerResponse, head: FormattedHead): void {
  const target = response as ServerResponse & { _header: string; _hasBody: boolean; _last: boolean };
  target.statusCode = head.status;
  target.statusMessage = head.phrase;
  target._header = head.text;
  target._hasBody = head.hasBody;
  // Node itself sets it when the client ends its half of the connection.
  if (head.closesConnection) target._last = true;
  target.chunkedEncoding = head.isChunked;
}

/** Takes back a head of which no byte was sent, so that another can be sent. @returns whether it could. Test: client-head. */
export function takeHeadBack(response: ServerResponse): boolean {
  const target = response as ServerResponse & { _header: string | null; readonly _headerSent: boolean };
  if (target._headerSent) return false;
  target._header = null;
  target.statusMessage = '';
  target.chunkedEncoding = false;
  return true;
}

/** Milliseconds for which the server keeps a connection of a client open that is not used. Test: client-head. */
export function keepAliveTimeoutOf(response: ServerResponse): number {
  return (response as ServerResponse & { readonly _keepAliveTimeout: number })._keepAliveTimeout;
}

/**
 * Ends the stream of a request without a body, so that Node emits nothing for it: 5 % of the CPU time of a small request.
 * Nobody may read the stream afterwards. Node 22 has no such function, and ends the stream behind the response. Test: client-head.
 */
export function skipEmptyBody(request: IncomingMessage): void {
  (request as IncomingMessage & { _dumpAndCloseReadable?(): void })._dumpAndCloseReadable?.();
}
