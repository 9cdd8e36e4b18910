import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** A request that asks for a WebSocket, with its connection, which HTTP does not read any more. */
export interface Upgrade {
  readonly socket: Socket;
  /** What the client has sent behind its request. */
  readonly head: Buffer;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** The upgrade that a request asks for; undefined for plain requests. */
export function upgradeOf(request: IncomingMessage): Upgrade | undefined {
  return upgrades.get(request);
}

/**
 * Makes a response for a request that asks for an upgrade, so that it passes the same middleware and gates as every
 * other and is refused by the same filter. Node has none for it. The connection ends with the response.
 */
export function responseFor(request: IncomingMessage, upgrade: Upgrade): ServerResponse {
  const { socket } = upgrade;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    release(response, socket);
    socket.destroySoon();
  });
  socket.on('error', destroyThis);
  upgrades.set(request, upgrade);
  return response;
}

/** A client that resets its connection is no news. One function for all, which keeps no request in memory. */
function destroyThis(this: Socket): void {
  this.destroy();
}

/** Ends the part of HTTP in a connection: whoever waits for the response's end hears of it, and the socket goes on. */
export function release(response: ServerResponse, socket: Socket): void {
  response.detachSocket(socket);
  response.emit('close');
}
