import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** The close frame of a WebSocket. */
export interface Closed {
  /** 1005 if the frame has none, 1006 if there was no frame (RFC 6455, section 7.1.5). */
  readonly code: number;
  readonly reason: string;
}

/** One end of a WebSocket: a client's, or that of a fake upstream. Records its messages. */
export interface WebSocketEnd extends AsyncDisposable {
  /** All messages so far, in order: text as strings, binary ones as buffers. */
  readonly messages: readonly (string | Buffer)[];
  /** The payloads of all pings so far. */
  readonly pings: readonly string[];
  /** The chosen subprotocol; empty if there is none. */
  readonly protocol: string;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<Closed>;
  send(data: string | Buffer): void;
  /** Resolves with the next message. @throws TestGatewayError if none comes, or the socket closes before */
  next(): Promise<string | Buffer>;
  /** Resolves with all messages once there are this many. @throws TestGatewayError as `next()` does */
  received(count: number): Promise<readonly (string | Buffer)[]>;
  /** Sends a close frame, and resolves when the socket is closed. @param code Default: 1000 */
  close(code?: number, reason?: string): Promise<Closed>;
  /** Ends the connection without a close frame. */
  terminate(): void;
}

/** What a WebSocket client sends in its handshake. All fields are optional. */
export interface WebSocketOptions {
  /** Headers of the handshake. Default: none. */
  readonly headers?: OutgoingHttpHeaders;
  /** Subprotocols to offer. Default: none. */
  readonly protocols?: readonly string[];
  /** Milliseconds of real time that the client waits for a message. Default: 4000. */
  readonly waitMs?: number;
}

/** A client's end of an open WebSocket. */
export interface WebSocketClient extends WebSocketEnd {
  /** The 101 response to the handshake. */
  readonly handshake: { readonly headers: IncomingHttpHeaders };
}
