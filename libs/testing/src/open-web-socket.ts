import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';
import { SocketEnd } from './socket-end.js';
import type { WebSocketEnd } from './web-socket-end.js';

export interface WebSocketOptions {
  /** Headers of the handshake. Default: none. */
  readonly headers?: OutgoingHttpHeaders;
  /** Subprotocols to offer. Default: none. */
  readonly protocols?: readonly string[];
  /** Milliseconds of real time that the client waits for a message. Default: 4000. */
  readonly waitMs?: number;
}

/** A client's end of an open WebSocket. */
export interface WebSocketClient extends WebSocketEnd {
  /** The 101 response to the handshake. */
  readonly handshake: { readonly headers: IncomingHttpHeaders };
}

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

/**
 * Opens a WebSocket.
 *
 * @param url `ws://host:port/path`, or the same with `http`
 * @throws HandshakeRefusedError with status and body; Node's error if there is no connection
 */
export async function openWebSocket(url: string, options: WebSocketOptions = {}): Promise<WebSocketClient> {
  return openSocketEnd(url, options);
}

/** As `openWebSocket`, with the parts of `ws`. */
export async function openSocketEnd(
  url: string,
  { headers = {}, protocols = [], waitMs }: WebSocketOptions = {},
): Promise<SocketEnd> {
  const socket = new WebSocket(url, [...protocols], {
    headers: headers as Record<string, string>,
    perMessageDeflate: false,
  });
  const { promise: handshake, resolve } = Promise.withResolvers<IncomingMessage>();
  socket.once('upgrade', resolve);
  // Listens at once, since the first message may come with the response to the handshake.
  const early: [Buffer, boolean][] = [];
  const keep = (data: Buffer, isBinary: boolean): void => void early.push([data, isBinary]);
  socket.on('message', keep);
  await Promise.race([once(socket, 'open'), untilRefused(socket)]);
  const end = new SocketEnd(socket, await handshake, waitMs);
  socket.off('message', keep);
  for (const [data, isBinary] of early) end.add(data, isBinary);
  return end;
}

/** Rejects if the response to the handshake is another than 101. Never resolves. */
async function untilRefused(socket: WebSocket): Promise<never> {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
  socket.once('unexpected-response', (_request, response: IncomingMessage) => resolve(response));
  const response = await promise;
  const body = await bodyOf(response);
  socket.terminate();
  throw new HandshakeRefusedError(response.statusCode!, response.headers, body);
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
