import type { Socket } from 'node:net';
import { READ_BYTES, type OpenSocket } from './dial.js';
import { RequestWriter } from './request-writer.js';
import { announcesForbiddenBody, type ResponseHead } from './response-head.js';
import type { ResponseListener } from './response-listener.js';
import { ResponseParser } from './response-parser.js';
import { ConnectionClosedError } from './transport-errors.js';
import type { UpstreamCall } from './upstream-call.js';

/** The owner of a connection. */
export interface ConnectionOwner {
  onOpen(connection: UpstreamConnection): void;
  /** The connection can carry another request. */
  onFree(connection: UpstreamConnection): void;
  /** @param error the reason; undefined if the gateway closed it */
  onClosed(connection: UpstreamConnection, error: Error | undefined): void;
}

/** Every connection reads into this buffer. Safe, since libuv asks for it, reads and calls back without interruption. */
const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** Milliseconds by which a connection is given up before the service says that it will close it. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

/** One TCP or TLS connection to an instance. It carries one request at a time. */
export class UpstreamConnection implements ResponseListener {
  /** Whether it carried a request before the present one. */
  isReused = false;
  /** The first error of the connection, also of a failed write. */
  error: Error | undefined;
  /** Milliseconds for which it may stay unused after its last response. Default: `Infinity`. */
  keepAliveMs = Infinity;
  /** `performance.now()` from when on it must not be used again. */
  idleUntil = Infinity;

  private readonly socket: Socket;
  private readonly writer: RequestWriter;
  private readonly parser: ResponseParser;
  private call: UpstreamCall | undefined;
  private hasResponse = false;
  private isFinished = false;
  private mustClose = false;
  private isPaused = false;
  private isClosed = false;

  constructor(
    open: OpenSocket,
    headLimitBytes: number,
    private readonly owner: ConnectionOwner,
  ) {
    this.parser = new ResponseParser(headLimitBytes);
    const { socket, openEvent } = open({ buffer: READ_BUFFER, callback: (length) => this.read(length) });
    this.socket = socket;
    this.writer = new RequestWriter(socket, (error) => (this.error ??= error));
    socket
      .once(openEvent, () => owner.onOpen(this))
      .once('end', () => this.onSocketEnd())
      .on('error', (error) => this.close((this.error ??= error)))
      .once('close', () => this.close(this.error ?? new ConnectionClosedError()));
  }

  /** Sends a request. The connection must be open and free. */
  start(call: UpstreamCall): void {
    this.call = call;
    this.hasResponse = false;
    // A service that sends a body in response to HEAD would send it as the next response.
    this.mustClose = call.request.isHeadRequest;
    this.parser.expect(this, call.request.isHeadRequest);
    call.onConnection(this);
    this.writer.write(call);
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
    this.call = undefined;
    this.writer.stop();
    this.parser.stop();
    this.socket.destroy();
    this.owner.onClosed(this, error);
    if (error) call?.onError(error);
  }

  onInterim(head: ResponseHead): void {
    this.call!.onInterim(head);
  }

  onHead(head: ResponseHead): void {
    this.mustClose ||= !head.isPersistent || announcesForbiddenBody(head);
    this.keepAliveMs = head.keepAliveMs - KEEP_ALIVE_MARGIN_MS;
    this.call!.onHead(head);
  }

  onBody(bytes: Buffer, isLast: boolean): void {
    this.call!.onBody(bytes, isLast);
  }

  onEnd(trailers: readonly string[]): void {
    const call = this.call!;
    this.call = undefined;
    this.writer.stop();
    this.isFinished = true;
    call.onEnd(trailers);
  }

  /** Reads from `READ_BUFFER`. @returns whether to go on reading */
  private read(length: number): boolean {
    if (!this.hasResponse) {
      this.hasResponse = true;
      this.call?.onFirstByte();
    }
    try {
      this.parser.read(READ_BUFFER, length);
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
      this.writer.isSent && !this.mustClose && this.keepAliveMs > 0 && !this.parser.hasExcess && !this.error;
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
