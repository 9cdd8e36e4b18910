import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that may wait behind another one on their connection. Real clients pipeline a few, if any. */
const WAITING_LIMIT = 64;

const waiting = new WeakMap<Socket, number>();

/**
 * Takes the requests of each connection in turn: one that a client has pipelined (RFC 9112, section 9.3.2) begins when
 * the response before it is out. Node would begin them all at once, and hold in memory what none of them can send yet;
 * one client could so fill the process and the services' connections. A connection with too many waiting is destroyed.
 */
export function inTurn(listener: RequestListener): RequestListener {
  return (request, response) => {
    if (response.socket) {
      listener(request, response);
      return;
    }
    const { socket } = request;
    const count = (waiting.get(socket) ?? 0) + 1;
    waiting.set(socket, count);
    if (count > WAITING_LIMIT) {
      socket.destroy();
      return;
    }
    // Node gives a response its connection when its turn comes.
    (response as ServerResponse).once('socket', () => {
      waiting.set(socket, waiting.get(socket)! - 1);
      listener(request, response);
    });
  };
}
