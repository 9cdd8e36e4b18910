import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** A WebSocket and the TCP or TLS connection under it. */
export interface RelayConnection {
  readonly socket: WebSocket;
  readonly stream: Socket;
}

/** A service's side of a socket, open and paused, so that nothing is lost until somebody listens. */
export interface UpstreamWebSocket extends RelayConnection {
  /** The subprotocol that the service chose; empty where it chose none. */
  readonly subprotocol: string;
  /** The address of the instance. */
  readonly instance: string;
  /** The service's answer to the handshake. */
  readonly response: IncomingMessage;
}
