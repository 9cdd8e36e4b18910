import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { connectionOf, type ClientConnection } from './client-connection.js';
import { estimateMemoryBytes, unwatch, watch } from './request-memory.js';
import { TaskQueue } from './task-queue.js';

/** Memory of a connection's waiting requests, in bytes, at which the gateway stops reading the connection. */
const HIGH_WATER_MARK = 64 * 1024;

/** The same at which it reads again. */
const LOW_WATER_MARK = 32 * 1024;

/** Most memory of waiting requests on all connections, in bytes. Real clients pipeline a few requests, if any. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

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
  /** Memory of all waiting requests, in bytes. */
  private bytes = 0;
  /** Connections with waiting requests. */
  private readonly connections = new Set<ClientConnection>();
  /** Connections with an `onLateHead`. */
  private lateHeads = 0;

  /** @param headerTimeoutMs milliseconds until the head of a request must be complete */
  constructor(private readonly headerTimeoutMs: number) {}

  /** Wraps the server's listener. */
  wrap(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (this.lateHeads > 0) this.forgetLateHead(connectionOf(request.socket));
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
    const connection = connectionOf(socket);
    if (!connection.isPaused) return false;
    if (!connection.onLateHead) this.lateHeads++;
    connection.onLateHead = onLate;
    return true;
  }

  private forgetLateHead(connection: ClientConnection): void {
    if (!connection.onLateHead) return;
    clearTimeout(connection.lateHeadTimer);
    connection.onLateHead = undefined;
    this.lateHeads--;
  }

  private wait(request: IncomingMessage, response: ServerResponse, listener: RequestListener): void {
    const { socket } = request;
    if (socket.destroyed) return;
    const connection = connectionOf(socket);
    if (!connection.hasPipelined) this.open(connection);
    let bytes = 0;
    const add = (more: number): void => {
      bytes += more;
      this.add(connection, more);
    };
    add(estimateMemoryBytes(request));
    watch(request, add);
    // Node gives a response its connection when the response before it is out.
    response.once('socket', () => {
      if (socket.destroyed) return;
      unwatch(request);
      this.delete(connection, bytes);
      if (connection.isPaused && connection.waitingBytes <= LOW_WATER_MARK) this.resume(connection);
      this.ready.push(() => {
        if (!socket.destroyed) listener(request, response);
      });
    });
  }

  private add(connection: ClientConnection, bytes: number): void {
    const { socket } = connection;
    if (socket.destroyed) return;
    this.connections.add(connection);
    connection.waitingBytes += bytes;
    this.bytes += bytes;
    while (this.bytes > MAX_WAITING_BYTES) this.destroyLargest();
    if (!socket.destroyed && !connection.isPaused && connection.waitingBytes >= HIGH_WATER_MARK) {
      connection.isPaused = true;
      socket.pause();
    }
  }

  private destroyLargest(): void {
    const all = [...this.connections];
    const largest = all.reduce((most, other) => (other.waitingBytes > most.waitingBytes ? other : most));
    const { socket, waitingBytes: bytes } = largest;
    this.logger.warn({
      message: 'closed a connection: its pipelined requests take too much memory',
      client_ip: socket.remoteAddress,
      bytes,
    });
    this.delete(largest, bytes);
    socket.destroy();
  }

  private delete(connection: ClientConnection, bytes: number): void {
    if (bytes === 0) return;
    connection.waitingBytes -= bytes;
    this.bytes -= bytes;
    if (connection.waitingBytes === 0) this.connections.delete(connection);
  }

  private resume(connection: ClientConnection): void {
    connection.isPaused = false;
    if (connection.onLateHead)
      connection.lateHeadTimer = setTimeout(connection.onLateHead, this.headerTimeoutMs).unref();
    connection.socket.resume();
  }

  private open(connection: ClientConnection): void {
    const { socket } = connection;
    connection.hasPipelined = true;
    // Node resumes a connection whenever a request's body is read.
    socket.on('resume', () => {
      if (connection.isPaused) socket.pause();
    });
    socket.once('close', () => {
      this.delete(connection, connection.waitingBytes);
      this.forgetLateHead(connection);
    });
  }
}
