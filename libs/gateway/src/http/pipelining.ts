import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { connectionOf, type ClientConnection } from './client-connection.js';
import { estimateMemoryBytes, unwatch, watch } from './request-memory.js';
import { TaskQueue } from './task-queue.js';

/** Memory of a connection's waiting requests, in bytes, at which the gateway stops reading the connection. */
const HIGH_WATER_MARK = 64 * 1024;

/** Memory of a connection's waiting requests, in bytes, at which the gateway reads a paused connection again. */
const LOW_WATER_MARK = 32 * 1024;

/** Most memory of waiting requests on all connections, in bytes. Real clients pipeline few requests or none. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/**
 * Begins the requests of each connection one after another: a pipelined request (RFC 9112, section 9.3.2) begins when
 * the response before it has been sent. Node would begin them all at once, and keep in memory the responses that cannot
 * be sent yet; one client could fill the process's memory and all connections to upstreams.
 *
 * The gateway pauses a connection when its waiting requests take 64 KiB of memory, until they take half of that. 64 KiB
 * hold about 32 requests without headers, about 15 browser requests, or one with 500 headers. The pause may come late:
 * the last read, up to 64 KiB, may contain many more. While the waiting requests of all connections take more than 32
 * MiB, the gateway destroys the connection whose requests take most.
 *
 * At most 8 waiting requests of all connections begin in one turn of the event loop. A refused request ends within its
 * turn, so thousands of them from one read would block all other clients.
 */
export class Pipelining {
  private readonly logger = new Logger(Pipelining.name);
  /** Waiting requests whose turn has come. */
  private readonly ready = new TaskQueue();
  /** Memory of all waiting requests, in bytes. */
  private bytes = 0;
  /** Connections with waiting requests. */
  private readonly connections = new Set<ClientConnection>();
  /** Number of connections whose header timeout was deferred. */
  private deferredHeads = 0;

  /** @param headerTimeoutMs milliseconds until the head of a request must be complete */
  constructor(private readonly headerTimeoutMs: number) {}

  /** Wraps the server's `request` listener. */
  wrap(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (this.deferredHeads > 0) this.forgetLateHead(connectionOf(request.socket));
      // Node gives a response its socket when the response before it has been sent; until then the request waits.
      if (response.socket) listener(request, response);
      else this.wait(request, response, listener);
    };
  }

  /**
   * Called by `ClientErrorResponder` when Node reports a late head. If the gateway had paused the connection, the head is
   * late because of that: it gets a new header timeout when the connection resumes, since Node checks each head once only.
   * @param onLate called if the head exceeds the new timeout too
   * @returns false, and does nothing, if the gateway had not paused the connection
   */
  deferLateHead(socket: Socket, onLate: () => void): boolean {
    const connection = connectionOf(socket);
    if (!connection.isPaused) return false;
    if (!connection.onLateHead) this.deferredHeads++;
    connection.onLateHead = onLate;
    return true;
  }

  private forgetLateHead(connection: ClientConnection): void {
    if (!connection.onLateHead) return;
    clearTimeout(connection.lateHeadTimer);
    connection.onLateHead = undefined;
    this.deferredHeads--;
  }

  private wait(request: IncomingMessage, response: ServerResponse, listener: RequestListener): void {
    const { socket } = request;
    if (socket.destroyed) return;
    const connection = connectionOf(socket);
    if (!connection.hasPipelined) this.watchConnection(connection);
    let bytes = 0;
    const add = (more: number): void => {
      bytes += more;
      this.add(connection, more);
    };
    add(estimateMemoryBytes(request));
    watch(request, add);
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

  private watchConnection(connection: ClientConnection): void {
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
