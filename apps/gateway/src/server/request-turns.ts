import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';

/** Waiting requests at which the gateway stops reading a connection. */
const HIGH_WATER_MARK = 64;

/** Waiting requests at which it reads again. */
const LOW_WATER_MARK = 32;

/** Most waiting requests on all connections, about 1.5 KB each. Real clients pipeline a few, if any. */
const MAX_WAITING_REQUESTS = 16_384;

/** The requests of one connection that wait for their turn. */
interface PipelinedRequests {
  waiting: number;
  isPaused: boolean;
}

/**
 * Takes the requests of each connection in turn: one that a client has pipelined (RFC 9112, section 9.3.2) begins when
 * the response before it is out. Node would begin them all at once, and hold in memory what none of them can send yet;
 * one client could so fill the process and the services' connections.
 *
 * A connection with 64 requests waiting is not read until 32 are left. What was read before, up to 64 KiB at once, may
 * hold many more. When 16,384 requests wait on all connections, a connection on which more than 64 wait is destroyed.
 */
export class RequestTurns {
  private readonly logger = new Logger(RequestTurns.name);
  private readonly bySocket = new WeakMap<Socket, PipelinedRequests>();
  private waiting = 0;

  /** Wraps the server's listener. */
  wrap(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (response.socket) listener(request, response);
      else this.wait(request, response, listener);
    };
  }

  private wait(request: IncomingMessage, response: ServerResponse, listener: RequestListener): void {
    const { socket } = request;
    if (socket.destroyed) return;
    const pipelined = this.bySocket.get(socket) ?? this.open(socket);
    pipelined.waiting++;
    this.waiting++;
    if (pipelined.waiting > HIGH_WATER_MARK && this.waiting > MAX_WAITING_REQUESTS) {
      this.logger.warn({ message: 'too many pipelined requests', client_ip: socket.remoteAddress });
      socket.destroy();
      return;
    }
    if (pipelined.waiting === HIGH_WATER_MARK) {
      pipelined.isPaused = true;
      socket.pause();
    }
    // Node gives a response its connection when its turn comes.
    response.once('socket', () => {
      if (socket.destroyed) return;
      pipelined.waiting--;
      this.waiting--;
      if (pipelined.isPaused && pipelined.waiting <= LOW_WATER_MARK) {
        pipelined.isPaused = false;
        socket.resume();
      }
      listener(request, response);
    });
  }

  private open(socket: Socket): PipelinedRequests {
    const pipelined: PipelinedRequests = { waiting: 0, isPaused: false };
    this.bySocket.set(socket, pipelined);
    // Node resumes a connection whenever a request's body is read.
    socket.on('resume', () => {
      if (pipelined.isPaused) socket.pause();
    });
    socket.once('close', () => (this.waiting -= pipelined.waiting));
    return pipelined;
  }
}
