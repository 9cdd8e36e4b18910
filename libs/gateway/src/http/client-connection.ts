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

/** Of `discardedUpTo`, while the body is still being discarded. */
const NOT_ENDED = Infinity;

/** One TCP connection of a client, and all that the gateway knows of it. Each field names the file that writes it. */
export class ClientConnection {
  /** Requests in progress (`idle-connections.ts`). */
  requests = 0;
  hasServed = false;
  /** `performance.now()` since when the connection has no request, and its `bytesRead` then. */
  idleSince = 0;
  idleBytesRead = 0;
  /** Undefined for a trusted proxy: all its connections are of one address. */
  network: ClientNetwork | undefined;
  readonly inTotal = new ListNode<ClientConnection>(this);
  readonly inNetwork = new ListNode<ClientConnection>(this);

  /** Memory of the requests that wait for the responses before them, in bytes (`pipelining.ts`). */
  waitingBytes = 0;
  /** Whether the connection is not read, because its waiting requests take too much memory. */
  isPaused = false;
  hasPipelined = false;
  /** Ends the connection, if the head of its next request is late once the connection is read again. */
  onLateHead: (() => void) | undefined;
  lateHeadTimer: NodeJS.Timeout | undefined;

  /** Whether the bytes of its first request were found to be HTTP (`request-grammar.ts`). */
  isHttp = false;
  /** Whether its client reads the metrics: the drain closes the connection last (`metrics.controller.ts`). */
  isScraper = false;
  /** Whether the connection is a WebSocket's (`upgrade.middleware.ts`). */
  isWebSocket = false;
  /** Whether the response to bytes that are no request was sent (`client-error.responder.ts`). */
  isRefused = false;
  /** `bytesRead` when the connection left HTTP (`lingering-close.ts`). */
  leftHttpAt = 0;
  private discardedUpTo = 0;

  constructor(readonly socket: Socket) {
    (socket as WithConnection)[CONNECTION] = this;
  }

  /** Whether the rest of a body comes whose response is out. */
  get isDiscarding(): boolean {
    return this.discardedUpTo === NOT_ENDED;
  }

  startDiscarding(): void {
    this.discardedUpTo = NOT_ENDED;
  }

  endDiscarding(): void {
    this.discardedUpTo = this.socket.bytesRead;
  }

  /** Whether bytes of a next request have come. Bytes of a discarded body do not count. */
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

  /** Adds each connection that a server accepts, before other listeners hear of it. To be called once. */
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
