import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { MinimumRate } from '@app/proxy';
import { connectionOf } from './client-connection.js';

/** Bytes of a refused body that are read and discarded, so that a client which writes before it reads sees the response. */
const MAX_DISCARDED_BODY_BYTES = 64 * 1024 * 1024;

/** The same after a connection has left HTTP. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/** Longest pause between two of these bytes; after HTTP, longest time in all. */
const IDLE_TIMEOUT_MS = 5_000;

/** Longest time for the whole body. */
const DISCARD_TIMEOUT_MS = 30_000;

/**
 * Reads the rest of a body whose response is out. Closing with bytes unread would reset the connection, and with it
 * the response that the client has not read yet; reading for ever would serve a sender who never stops. To be called
 * before Node's own listener of the response's end, which closes a connection that is not kept.
 */
export function discardBody(request: IncomingMessage, minimumRate: MinimumRate): void {
  const { socket } = request;
  if (request.complete || socket.destroyed) return;
  let isClosing = false;
  const connection = connectionOf(socket);
  connection.startDiscarding();
  // Node calls it when the response is out, and would close the connection with bytes of the body unread.
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

/** Destroys the connection of a body that is too large, too long under way or too slow. */
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
  request.once('close', () => {
    clearTimeout(idleTimer);
    clearInterval(rateTimer);
  });
}

/**
 * Closes a connection that has left HTTP once its client had time to read the last bytes: what the client still sends is
 * read and discarded until it closes too, up to the limits.
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
