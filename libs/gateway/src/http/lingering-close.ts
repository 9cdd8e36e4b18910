import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { MinimumRate } from '@app/proxy/internal';
import { connectionOf } from './client-connection.js';

/**
 * Most bytes of a refused request's body that the gateway reads and discards, so that a client that writes its whole
 * body before it reads still sees the response.
 */
const MAX_DISCARDED_BODY_BYTES = 64 * 1024 * 1024;

/** Most bytes that the gateway reads and discards after a connection has left HTTP. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/** Longest pause between two chunks of a discarded body, in milliseconds; after HTTP, the longest time in all. */
const IDLE_TIMEOUT_MS = 5_000;

/** Longest time for the whole discarded body, in milliseconds. */
const DISCARD_TIMEOUT_MS = 30_000;

/**
 * Reads and discards the rest of a body whose response has been sent. If the gateway closed the connection with bytes
 * unread, the kernel would reset it, and the client would lose a response that it has not read yet. The limits end the
 * connection of a client that never stops sending. Call before Node's own listener of the response's end runs, which
 * closes a connection that is not kept alive.
 */
export function discardBody(request: IncomingMessage, minimumRate: MinimumRate): void {
  const { socket } = request;
  if (request.complete || socket.destroyed) return;
  let isClosing = false;
  const connection = connectionOf(socket);
  connection.startDiscarding();
  // Node calls `destroySoon` when the response has been sent, and would close the connection with bytes unread.
  socket.destroySoon = () => {
    isClosing = true;
    socket.end();
  };
  limitDiscarding(request, minimumRate);
  request.once('end', () => {
    connection.endDiscarding();
    socket.destroySoon = Socket.prototype.destroySoon;
    if (isClosing) socket.destroySoon();
  });
  request.resume();
}

/** Destroys the connection if the discarded body is too large, takes too long or arrives too slowly. */
function limitDiscarding(request: IncomingMessage, { bytesPerSecond, graceMs }: MinimumRate): void {
  const { socket } = request;
  let received = 0;
  let receivedBefore = 0;
  const endsAt = performance.now() + DISCARD_TIMEOUT_MS;
  const idleTimer = setTimeout(() => socket.destroy(), IDLE_TIMEOUT_MS).unref();
  const rateTimer = setInterval(() => {
    if (received - receivedBefore < (bytesPerSecond * graceMs) / 1000) socket.destroy();
    receivedBefore = received;
  }, graceMs).unref();
  request.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received > MAX_DISCARDED_BODY_BYTES || performance.now() > endsAt) socket.destroy();
    else idleTimer.refresh();
  });
  const stop = (): void => {
    clearTimeout(idleTimer);
    clearInterval(rateTimer);
    request.off('close', stop);
    socket.off('close', stop);
  };
  request.once('close', stop);
  // Once its response has been sent, Node does not close the request of a connection that closes.
  socket.once('close', stop);
}

/**
 * Closes a connection that has left HTTP, and gives its client time to read the last bytes: reads and discards further
 * bytes of the client until the client closes too or a limit is reached.
 * @param lastBytes written before the end. Default: none
 */
export function linger(socket: Socket, lastBytes = ''): void {
  if (socket.destroyed) return;
  connectionOf(socket).leftHttpAt = socket.bytesRead;
  socket.on('data', () => lingerOn(socket)).resume();
  // An empty write to a connection that has ended would be an error.
  if (lastBytes === '') socket.end();
  else socket.end(lastBytes);
  const timer = setTimeout(() => socket.destroy(), IDLE_TIMEOUT_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Ends the connection if its client has sent too much since it left HTTP. */
export function lingerOn(socket: Socket): void {
  if (socket.bytesRead - connectionOf(socket).leftHttpAt > MAX_DISCARDED_BYTES) socket.destroy();
}
