import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Upgrade } from '@app/proxy';
import { linger } from './lingering-close.js';

/**
 * The response to a request that asks for an upgrade. Node creates no response for it; with this one, the request
 * passes the same middleware and gates as all other requests, and the same responder refuses it. A response ends the
 * connection.
 */
export class UpgradeResponse extends ServerResponse {
  constructor(
    request: IncomingMessage,
    readonly upgrade: Upgrade,
  ) {
    super(request);
    const { socket } = upgrade;
    this.shouldKeepAlive = false;
    // Handles the connection's errors until it closes, since other listeners are there for a time only.
    // One function for all: a closure for each request would stay in V8's old generation.
    socket.on('error', destroyThis);
    this.assignSocket(socket);
    this.once('finish', () => {
      this.detachSocket(socket);
      this.emit('close');
      linger(socket);
    });
  }
}

function destroyThis(this: Socket): void {
  this.destroy();
}
