import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { HandshakeRefusedError } from './handshake-refused.error.js';
import { SocketEnd } from './socket-end.js';
import type { WebSocketOptions } from './web-socket-end.js';

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
