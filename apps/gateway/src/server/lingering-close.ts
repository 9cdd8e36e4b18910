import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

/** Bytes that are read and thrown away, so that a client which writes before it reads gets to see the answer. */
const BODY_BYTES = 64 * 1024 * 1024;
/** The same of what is no HTTP. */
const LIMIT_BYTES = 1024 * 1024;

/** Milliseconds in which such a client must send something, and in which it must have sent all. */
const LIMIT_MS = 5_000;
const BODY_MS = 30_000;

/**
 * Reads the rest of a body whose response is out. Closing with bytes unread would reset the connection, and with it
 * the answer that the client has not read yet; reading for ever would serve a sender who never stops. To be called
 * before Node's own listener of the response's end, which closes a connection that is not kept.
 */
export function discardBody(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete || socket.destroyed) return;
  let isClosing = false;
  socket.destroySoon = () => {
    isClosing = true;
    socket.end();
  };
  let left = BODY_BYTES;
  const endsAt = performance.now() + BODY_MS;
  const timer = setTimeout(() => socket.destroy(), LIMIT_MS).unref();
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0 || performance.now() > endsAt) socket.destroy();
    else timer.refresh();
  });
  request.once('end', () => {
    socket.destroySoon = Socket.prototype.destroySoon;
    if (isClosing) socket.destroySoon();
  });
  request.once('close', () => clearTimeout(timer));
  request.resume();
}

const lingering = new WeakMap<Socket, number>();

/** Sends the last bytes of a connection that is no HTTP any more, and closes it once its peer had time to read them. */
export function endLingering(socket: Socket, bytes: string): void {
  lingering.set(socket, socket.bytesRead);
  socket.end(bytes);
  destroyLater(socket);
}

/**
 * Closes a connection that is no HTTP any more once its peer had time to read what was written: whatever it still sends
 * is read and thrown away until it closes too, up to the limits.
 */
export function linger(socket: Socket): void {
  if (socket.destroyed) return;
  lingering.set(socket, socket.bytesRead);
  socket.on('data', () => lingerOn(socket)).resume();
  socket.end();
  destroyLater(socket);
}

function destroyLater(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LIMIT_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** To be called where more came from a peer that has got its last bytes: too much ends the connection at once. */
export function lingerOn(socket: Socket): void {
  if (socket.bytesRead - (lingering.get(socket) ?? 0) > LIMIT_BYTES) socket.destroy();
}
