import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Upgrade } from '@app/proxy/internal';
import { linger } from './lingering-close.js';

/**
 * The response to a request that asks for an upgrade. Node creates none; with this one, the request passes the same
 * middleware and gates as all other requests, and the same responder can refuse it. A refusal closes the connection. If the
 * upgrade succeeds, `Exchange.switchProtocols` takes the socket back, and nothing is written.
 */
export class UpgradeResponse extends ServerResponse {
  constructor(
    request: IncomingMessage,
    readonly upgrade: Upgrade,
  ) {
    super(request);
    const { socket } = upgrade;
    this.shouldKeepAlive = false;
    // For as long as the socket is open: the error listeners of Node and of `ws` are removed before.
    // One function for all: a closure for each request would stay in V8's old generation.
    socket.on('error', destroySocket);
    this.assignSocket(socket);
    this.once('finish', () => {
      this.detachSocket(socket);
      this.emit('close');
      linger(socket);
    });
  }
}

function destroySocket(this: Socket): void {
  this.destroy();
}
