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
  /** Ends the connection, if the head of its next request is late once it is read again. */
  onLateHead: (() => void) | undefined;
  lateHeadTimer: NodeJS.Timeout | undefined;
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
  /** Connections with an `onLateHead`. */
  private lateHeads = 0;

  /** @param headerTimeoutMs milliseconds until the head of a request must be complete */
  constructor(private readonly headerTimeoutMs: number) {}

  /** Wraps the server's listener. */
  wrap(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (this.lateHeads > 0) this.forgetLateHead(this.bySocket.get(request.socket));
      if (response.socket) listener(request, response);
      else this.wait(request, response, listener);
    };
  }

  /**
   * Whether the head of a request is late because its connection was not read. Then its time begins anew once the
   * connection is read: Node's own does not.
   * @param onLate called if it is late then too
   */
  excuseLateHead(socket: Socket, onLate: () => void): boolean {
    const pipelined = this.bySocket.get(socket);
    if (!pipelined?.isPaused) return false;
    if (!pipelined.onLateHead) this.lateHeads++;
    pipelined.onLateHead = onLate;
    return true;
  }

  private forgetLateHead(pipelined: PipelinedRequests | undefined): void {
    if (!pipelined?.onLateHead) return;
    clearTimeout(pipelined.lateHeadTimer);
    pipelined.onLateHead = undefined;
    this.lateHeads--;
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
        if (pipelined.onLateHead)
          pipelined.lateHeadTimer = setTimeout(pipelined.onLateHead, this.headerTimeoutMs).unref();
        socket.resume();
      }
      listener(request, response);
    });
  }

  private open(socket: Socket): PipelinedRequests {
    const pipelined: PipelinedRequests = {
      waiting: 0,
      isPaused: false,
      onLateHead: undefined,
      lateHeadTimer: undefined,
    };
    this.bySocket.set(socket, pipelined);
    // Node resumes a connection whenever a request's body is read.
    socket.on('resume', () => {
      if (pipelined.isPaused) socket.pause();
    });
    socket.once('close', () => {
      this.waiting -= pipelined.waiting;
      this.forgetLateHead(pipelined);
    });
    return pipelined;
  }
}
