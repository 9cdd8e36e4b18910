import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { LinkedList, ListNode } from './linked-list.js';

/** The connections of one client network. */
export interface ClientNetwork {
  readonly name: string;
  readonly idle: LinkedList<ClientConnection>;
  /** Connections that are open, idle or not. */
  open: number;
}

/** Value of `discardedUpTo` while the body is still being discarded. */
const NOT_ENDED = Infinity;

/** One TCP connection of a client, with the gateway's state for it. Comments name the file that writes a field. */
export class ClientConnection {
  /** Requests in progress (`idle-connections.ts`). */
  requests = 0;
  hasServed = false;
  /** When the connection became idle, in milliseconds of `performance.now()`. */
  idleSince = 0;
  /** The socket's `bytesRead` when the connection became idle. */
  idleBytesRead = 0;
  /** When the drain last saw a request or new bytes, in milliseconds of `performance.now()` (`drain.service.ts`). */
  quietSince: number | undefined;
  /** The socket's `bytesRead` at that time. */
  quietBytesRead = 0;
  /** Undefined for a trusted proxy: all its connections come from one address, so no bound by network applies. */
  network: ClientNetwork | undefined;
  readonly inTotal = new ListNode<ClientConnection>(this);
  readonly inNetwork = new ListNode<ClientConnection>(this);

  /** Estimated memory of the pipelined requests that wait for earlier responses, in bytes (`pipelining.ts`). */
  waitingBytes = 0;
  /** Whether the gateway has paused the connection, because its waiting requests take too much memory. */
  isPaused = false;
  hasPipelined = false;
  /** Ends the connection if the head of its next request is late after the gateway has resumed reading. */
  onLateHead: (() => void) | undefined;
  lateHeadTimer: NodeJS.Timeout | undefined;

  /** Whether the gateway has checked that the bytes of the first request are HTTP (`request-grammar.ts`). */
  isHttp = false;
  /** Whether the client reads the metrics: the drain closes such connections last (`metrics.controller.ts`). */
  isScraper = false;
  /** Whether the connection carries a WebSocket (`upgrade.middleware.ts`). */
  isWebSocket = false;
  /** Whether the gateway has responded to malformed bytes (`client-error.responder.ts`). */
  isRefused = false;
  /** The socket's `bytesRead` when the connection left HTTP (`lingering-close.ts`). */
  leftHttpAt = 0;
  private discardedUpTo = 0;

  constructor(readonly socket: Socket) {
    (socket as WithConnection)[CONNECTION] = this;
  }

  /** Whether the gateway is discarding the rest of a body whose response has been sent. */
  get isDiscarding(): boolean {
    return this.discardedUpTo === NOT_ENDED;
  }

  startDiscarding(): void {
    this.discardedUpTo = NOT_ENDED;
  }

  endDiscarding(): void {
    this.discardedUpTo = this.socket.bytesRead;
  }

  /** Whether bytes of a next request have arrived. Bytes of a discarded body do not count. */
  hasNextRequest(): boolean {
    return this.hasServed && this.socket.bytesRead > Math.max(this.idleBytesRead, this.discardedUpTo);
  }
}

const CONNECTION = Symbol('connection');

interface WithConnection extends Socket {
  [CONNECTION]?: ClientConnection;
}

/** The connection of a socket that the gateway's server has accepted. */
export function connectionOf(socket: Socket): ClientConnection {
  return (socket as WithConnection)[CONNECTION]!;
}

/** The open connections of clients. */
export class ClientConnections {
  private readonly connections = new Set<ClientConnection>();

  /** Adds each connection that a server accepts, before other `connection` listeners run. Call once. */
  watch(server: Server): void {
    const { connections } = this;
    // One listener for all connections.
    const onClose = function (this: Socket): void {
      connections.delete(connectionOf(this));
    };
    server.prependListener('connection', (socket: Socket) => {
      connections.add(new ClientConnection(socket));
      socket.once('close', onClose);
    });
  }

  [Symbol.iterator](): Iterator<ClientConnection> {
    return this.connections.values();
  }

  get size(): number {
    return this.connections.size;
  }
}
