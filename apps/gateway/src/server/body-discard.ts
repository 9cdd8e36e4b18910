import type { IncomingMessage } from 'node:http';

/** What is read and thrown away of a body that nobody wants, so that its sender gets to see the answer. */
const LIMIT_BYTES = 1024 * 1024;
const LIMIT_MS = 5_000;

/**
 * Reads the rest of a body after its response went out. Closing at once would reset the connection, and with it
 * the answer that the client has not read yet; reading for ever would serve a sender who never stops.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.complete || request.socket.destroyed) return;
  const { socket } = request;
  let left = LIMIT_BYTES;
  const timer = setTimeout(() => socket.destroy(), LIMIT_MS);
  const stop = (): void => clearTimeout(timer);
  timer.unref();
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) socket.destroy();
  });
  request.once('end', stop).once('close', stop);
  request.resume();
}
