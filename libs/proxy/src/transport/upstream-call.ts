import type { ResponseListener } from './response-listener.js';

/** Where the body of a request goes. */
export interface BodySink {
  /** @returns false if the sender must wait for `onDrain` */
  writeBody(chunk: Buffer): boolean;
  /** @param trailers name, value, name, value; ignored if the body has a length */
  endBody(trailers: readonly string[]): void;
}

/** A body that is sent while it arrives. */
export interface BodySource {
  /** Whether the request announces no length. */
  readonly isChunked: boolean;
  sendTo(sink: BodySink): void;
  /** The sink takes more. */
  onDrain(): void;
}

/** One request as it is written. */
export interface UpstreamRequest {
  /** The request line and the header fields, with the empty line behind them; each character is one byte. */
  readonly head: string;
  /** Whether the response has no body, because the method is HEAD. */
  readonly isHeadRequest: boolean;
  readonly body: BodySource | Buffer | null;
}

/** The connection of a call, as the call uses it. */
export interface CallConnection {
  /** Whether it carried a request before the present one. */
  readonly isReused: boolean;
  /** Stops reading behind the bytes of this read. Call it in `onBody`. */
  pause(): void;
  resume(): void;
  /** Ends the call, by closing the connection. */
  cancel(): void;
}

/** One request and its response on a connection. No method is called after `cancel`. */
export interface UpstreamCall extends ResponseListener {
  readonly request: UpstreamRequest;
  /** The request is about to be written to a connection. */
  onConnection(connection: CallConnection): void;
  /** The request with its body is written. */
  onSent(): void;
  /** The first byte of a response has come. */
  onFirstByte(): void;
  /** There will be no response, or no more of it. */
  onError(error: Error): void;
}
