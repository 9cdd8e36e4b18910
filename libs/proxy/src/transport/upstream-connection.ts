import type { Socket } from 'node:net';
import { readOnAfterFailedWrites } from './failed-writes.js';
import { SHARED } from './read-buffer.js';
import { formatFields } from './request-head.js';
import { isBodiless, NOT_MODIFIED, type ResponseHead } from './response-head.js';
import { ResponseParser, type ResponseListener } from './response-parser.js';
import type { BodySink, BodySource, UpstreamCall } from './upstream-call.js';

/** The service closed the connection before its response was complete. */
class ConnectionClosedError extends Error {
  readonly code = 'ERR_CONNECTION_CLOSED';

  constructor() {
    super('the service closed the connection');
  }
}

/** The owner of a connection. */
export interface ConnectionOwner {
  onOpen(connection: UpstreamConnection): void;
  /** The connection can carry another request. */
  onFree(connection: UpstreamConnection): void;
  /** @param error the reason; undefined if the gateway closed it */
  onClosed(connection: UpstreamConnection, error: Error | undefined): void;
}

/** Opens a socket whose reads go to `onread`, the option of `net.connect`. */
export type OpenSocket = (onread: { buffer: Buffer; callback: (length: number) => boolean }) => {
  socket: Socket;
  openEvent: 'connect' | 'secureConnect';
};

/** Largest body that goes out in one write with its head, as text: a `Buffer` beside the head costs a second write. */
const JOINED_BODY_BYTES = 16 * 1024;

/** Milliseconds by which a connection is given up before the service says that it will close it. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

/** One TCP or TLS connection to an instance. It carries one request at a time. */
export class UpstreamConnection implements BodySink, ResponseListener {
  /** Whether it carried a request before the present one. */
  isReused = false;
  /** Whether it was opened. It may have closed since. */
  wasOpened = false;
  /** The first error of the connection, also of a failed write. */
  error: Error | undefined;
  /** Milliseconds for which it may stay unused after its last response. Default: `Infinity`. */
  keepAliveMs = Infinity;
  /** `performance.now()` from when on it must not be used again. */
  idleUntil = Infinity;

  private readonly socket: Socket;
  private readonly parser: ResponseParser;
  private call: UpstreamCall | undefined;
  private source: BodySource | undefined;
  private isSent = true;
  private hasResponse = false;
  private isFinished = false;
  private isLast = false;
  private isPaused = false;
  private isClosed = false;

  constructor(
    open: OpenSocket,
    headLimitBytes: number,
    private readonly owner: ConnectionOwner,
  ) {
    this.parser = new ResponseParser(headLimitBytes);
    const { socket, openEvent } = open({ buffer: SHARED, callback: (length) => this.read(length) });
    this.socket = socket;
    readOnAfterFailedWrites(socket, (error) => (this.error ??= error));
    socket
      .once(openEvent, () => this.onOpen())
      .on('drain', () => this.source?.onDrain())
      .once('end', () => this.onSocketEnd())
      .on('error', (error) => this.close((this.error ??= error)))
      .once('close', () => this.close(this.error ?? new ConnectionClosedError()));
  }

  /** Sends a request. The connection must be open and free. */
  start(call: UpstreamCall): void {
    const { head, isHead, body } = call.request;
    this.call = call;
    this.hasResponse = false;
    // A service that sends a body in response to HEAD would send it as the next response.
    this.isLast = isHead;
    this.parser.expect(this, isHead);
    call.onConnection(this);
    if (body === null) {
      this.socket.write(head, 'latin1');
      call.onSent();
    } else if (Buffer.isBuffer(body)) {
      this.writeWhole(head, body);
      call.onSent();
    } else {
      this.isSent = false;
      this.source = body;
      this.socket.write(head, 'latin1');
      body.sendTo(this);
    }
  }

  writeBody(chunk: Buffer): boolean {
    const { socket, source } = this;
    // The call was cancelled, or its response is complete.
    if (!source) return true;
    if (!source.isChunked) return socket.write(chunk);
    socket.cork();
    socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    socket.write(chunk);
    const hasRoom = socket.write('\r\n', 'latin1');
    socket.uncork();
    return hasRoom;
  }

  endBody(trailers: readonly string[]): void {
    const { source } = this;
    if (!source) return;
    if (source.isChunked) this.socket.write(`0\r\n${formatFields(trailers)}\r\n`, 'latin1');
    this.source = undefined;
    this.isSent = true;
    this.call!.onSent();
  }

  /** Stops reading behind the bytes of this read. Call it in `onBody`. */
  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.socket.resume();
  }

  /** Ends the call. Its response may still come, so the connection is closed. */
  cancel(): void {
    this.call = undefined;
    this.close();
  }

  /** Closes the connection. Does nothing if it is closed. @param error for its call. Default: it has none any more */
  close(error?: Error): void {
    if (this.isClosed) return;
    const { call } = this;
    this.isClosed = true;
    this.call = this.source = undefined;
    this.parser.stop();
    this.socket.destroy();
    this.owner.onClosed(this, error);
    if (error) call?.onError(error);
  }

  onInterim(head: ResponseHead): void {
    this.call!.onInterim(head);
  }

  onHead(head: ResponseHead): void {
    this.isLast ||= !head.isPersistent || announcesForbiddenBody(head);
    this.keepAliveMs = head.keepAliveMs - KEEP_ALIVE_MARGIN_MS;
    this.call!.onHead(head);
  }

  onBody(bytes: Buffer, isLast: boolean): void {
    this.call!.onBody(bytes, isLast);
  }

  onEnd(trailers: readonly string[]): void {
    const call = this.call!;
    this.call = this.source = undefined;
    this.isFinished = true;
    call.onEnd(trailers);
  }

  private onOpen(): void {
    this.wasOpened = true;
    this.owner.onOpen(this);
  }

  private writeWhole(head: string, body: Buffer): void {
    const { socket } = this;
    if (body.length <= JOINED_BODY_BYTES) {
      socket.write(head + body.toString('latin1'), 'latin1');
      return;
    }
    socket.cork();
    socket.write(head, 'latin1');
    socket.write(body);
    socket.uncork();
  }

  /** Reads from `SHARED`. @returns whether to go on reading */
  private read(length: number): boolean {
    if (!this.hasResponse) {
      this.hasResponse = true;
      this.call?.onFirstByte();
    }
    try {
      this.parser.read(SHARED, length);
    } catch (error) {
      this.close(error as Error);
      return false;
    }
    if (this.isFinished || this.parser.hasExcess) this.finish();
    return !this.isPaused;
  }

  /** Behind the read of the last byte, so that a byte too many is seen before the next request is sent. */
  private finish(): void {
    this.isFinished = false;
    // TLS hands on the rest of its bytes though the reader has paused: the response may end while nothing is read.
    this.resume();
    const isReusable =
      this.isSent && !this.isLast && this.keepAliveMs > 0 && !this.parser.hasExcess && !this.error;
    this.isReused = true;
    if (isReusable) this.owner.onFree(this);
    else this.close();
  }

  private onSocketEnd(): void {
    // A body that only the end delimits is not whole if the connection broke.
    if (!this.error && this.parser.end()) this.close();
    else this.close(this.error ?? new ConnectionClosedError());
  }
}

/** Whether a response that has no body announces one: a service that does so may send it, as the next response. */
function announcesForbiddenBody({ status, contentLength, isChunked }: ResponseHead): boolean {
  // The length of a 304 is that of the representation (RFC 9110, section 8.6).
  return isBodiless(status) && (isChunked || (status !== NOT_MODIFIED && contentLength > 0));
}
