import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';

/** Requests that wait behind another one on their connection from which on it is not read; and from which on it is again. */
const PAUSE_AT = 64;
const RESUME_AT = 32;

/** Requests that wait on all connections; about 1.5 KB each. Real clients pipeline a few, if any. */
const MOST_WAITING = 16_384;

/** The requests of one connection that wait for their turn. */
interface Line {
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
 * hold many more: while 16,384 wait in all, a connection with more than 64 is destroyed.
 */
export class RequestTurns {
  private readonly logger = new Logger(RequestTurns.name);
  private readonly lines = new WeakMap<Socket, Line>();
  private waiting = 0;
  /** Connections with an `onLateHead`. */
  private lateHeads = 0;

  /** @param headerTimeoutMs milliseconds until the head of a request must be complete */
  constructor(private readonly headerTimeoutMs: number) {}

  /** Wraps the server's listener. */
  around(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (this.lateHeads > 0) this.forgetLateHead(this.lines.get(request.socket));
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
    const line = this.lines.get(socket);
    if (!line?.isPaused) return false;
    if (!line.onLateHead) this.lateHeads++;
    line.onLateHead = onLate;
    return true;
  }

  private forgetLateHead(line: Line | undefined): void {
    if (!line?.onLateHead) return;
    clearTimeout(line.lateHeadTimer);
    line.onLateHead = undefined;
    this.lateHeads--;
  }

  private wait(request: IncomingMessage, response: ServerResponse, listener: RequestListener): void {
    const { socket } = request;
    if (socket.destroyed) return;
    const line = this.lines.get(socket) ?? this.open(socket);
    line.waiting++;
    this.waiting++;
    if (line.waiting > PAUSE_AT && this.waiting > MOST_WAITING) {
      this.logger.warn({ message: 'too many pipelined requests', client_ip: socket.remoteAddress });
      socket.destroy();
      return;
    }
    if (line.waiting === PAUSE_AT) {
      line.isPaused = true;
      socket.pause();
    }
    // Node gives a response its connection when its turn comes.
    response.once('socket', () => {
      if (socket.destroyed) return;
      line.waiting--;
      this.waiting--;
      if (line.isPaused && line.waiting <= RESUME_AT) {
        line.isPaused = false;
        if (line.onLateHead) line.lateHeadTimer = setTimeout(line.onLateHead, this.headerTimeoutMs).unref();
        socket.resume();
      }
      listener(request, response);
    });
  }

  private open(socket: Socket): Line {
    const line: Line = { waiting: 0, isPaused: false, onLateHead: undefined, lateHeadTimer: undefined };
    this.lines.set(socket, line);
    // Node resumes a connection whenever a request's body is read.
    socket.on('resume', () => {
      if (line.isPaused) socket.pause();
    });
    socket.once('close', () => {
      this.waiting -= line.waiting;
      this.forgetLateHead(line);
    });
    return line;
  }
}
