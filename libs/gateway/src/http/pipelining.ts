import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { estimateMemoryBytes, unwatch, watch } from './request-memory.js';
import { TaskQueue } from './task-queue.js';

/** Memory of a connection's waiting requests, in bytes, at which the gateway stops reading the connection. */
const HIGH_WATER_MARK = 64 * 1024;

/** The same at which it reads again. */
const LOW_WATER_MARK = 32 * 1024;

/** Most memory of waiting requests on all connections, in bytes. Real clients pipeline a few requests, if any. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** The requests of one connection that wait for the responses before them. */
interface PipelinedRequests {
  readonly socket: Socket;
  /** Their memory. */
  bytes: number;
  isPaused: boolean;
  /** Ends the connection, if the head of its next request is late once it is read again. */
  onLateHead: (() => void) | undefined;
  lateHeadTimer: NodeJS.Timeout | undefined;
}

/**
 * Begins the requests of each connection one after another: one that a client has pipelined (RFC 9112, section 9.3.2)
 * begins when the response before it is out. Node would begin them all at once, and hold in memory what none of them can send yet;
 * one client could so fill the process and the services' connections.
 *
 * A connection whose waiting requests take 64 KiB of memory is not read until they take half of that. They are 32 without
 * headers, about 15 of a browser, or one with 500 headers. What was read before, up to 64 KiB at once, may hold many more.
 * While the waiting requests of all connections take more than 32 MiB, the connection is destroyed that has most of it.
 *
 * At most 8 of them begin in one turn of the event loop, on all connections. One that is refused ends within that turn,
 * and the thousands of one read would stop all other clients.
 */
export class Pipelining {
  private readonly logger = new Logger(Pipelining.name);
  /** Begins the requests that may begin. */
  private readonly ready = new TaskQueue();
  private readonly bySocket = new WeakMap<Socket, PipelinedRequests>();
  /** Memory of all waiting requests, in bytes. */
  private bytes = 0;
  /** Connections with waiting requests. */
  private readonly connections = new Set<PipelinedRequests>();
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
    let bytes = 0;
    const add = (more: number): void => {
      bytes += more;
      this.add(pipelined, more);
    };
    add(estimateMemoryBytes(request));
    watch(request, add);
    // Node gives a response its connection when the response before it is out.
    response.once('socket', () => {
      if (socket.destroyed) return;
      unwatch(request);
      this.delete(pipelined, bytes);
      if (pipelined.isPaused && pipelined.bytes <= LOW_WATER_MARK) this.resume(pipelined);
      this.ready.push(() => {
        if (!socket.destroyed) listener(request, response);
      });
    });
  }

  private add(pipelined: PipelinedRequests, bytes: number): void {
    const { socket } = pipelined;
    if (socket.destroyed) return;
    this.connections.add(pipelined);
    pipelined.bytes += bytes;
    this.bytes += bytes;
    while (this.bytes > MAX_WAITING_BYTES) this.destroyLargest();
    if (!socket.destroyed && !pipelined.isPaused && pipelined.bytes >= HIGH_WATER_MARK) {
      pipelined.isPaused = true;
      socket.pause();
    }
  }

  private destroyLargest(): void {
    const all = [...this.connections];
    const largest = all.reduce((most, other) => (other.bytes > most.bytes ? other : most));
    const { socket, bytes } = largest;
    this.logger.warn({
      message: 'closed a connection: its pipelined requests take too much memory',
      client_ip: socket.remoteAddress,
      bytes,
    });
    this.delete(largest, bytes);
    socket.destroy();
  }

  private delete(pipelined: PipelinedRequests, bytes: number): void {
    if (bytes === 0) return;
    pipelined.bytes -= bytes;
    this.bytes -= bytes;
    if (pipelined.bytes === 0) this.connections.delete(pipelined);
  }

  private resume(pipelined: PipelinedRequests): void {
    pipelined.isPaused = false;
    if (pipelined.onLateHead)
      pipelined.lateHeadTimer = setTimeout(pipelined.onLateHead, this.headerTimeoutMs).unref();
    pipelined.socket.resume();
  }

  private open(socket: Socket): PipelinedRequests {
    const pipelined: PipelinedRequests = {
      socket,
      bytes: 0,
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
      this.delete(pipelined, pipelined.bytes);
      this.forgetLateHead(pipelined);
    });
    return pipelined;
  }
}
