import type { Socket } from 'node:net';
import { readOnAfterFailedWrites } from './failed-writes.js';
import { formatFields } from './request-head.js';
import type { BodySink, BodySource, UpstreamCall } from './upstream-call.js';

/** Largest body that goes out in one write with its head, as text: a `Buffer` beside the head costs a second write. */
const JOINED_BODY_BYTES = 16 * 1024;

/** Writes the requests of one connection, one after another. A body may still be streamed while its response comes. */
export class RequestWriter implements BodySink {
  /** Whether the last request is written with its whole body. If not, no other request can follow it. */
  isSent = true;
  /** The call whose body is streamed. */
  private call: UpstreamCall | undefined;
  private source: BodySource | undefined;

  /** @param onError called with the first failure of a write; the connection can still be read */
  constructor(
    private readonly socket: Socket,
    onError: (error: Error) => void,
  ) {
    readOnAfterFailedWrites(socket, onError);
    socket.on('drain', () => this.source?.onDrain());
  }

  /** Writes the request of a call, or its head and from then on what its body sends. */
  write(call: UpstreamCall): void {
    const { head, body } = call.request;
    if (body === null) {
      this.socket.write(head, 'latin1');
      call.onSent();
    } else if (Buffer.isBuffer(body)) {
      this.writeWhole(head, body);
      call.onSent();
    } else {
      this.isSent = false;
      this.call = call;
      this.source = body;
      this.socket.write(head, 'latin1');
      body.sendTo(this);
    }
  }

  writeBody(chunk: Buffer): boolean {
    const { socket, source } = this;
    // The call is over.
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
    const { call, source } = this;
    if (!source) return;
    if (source.isChunked) this.socket.write(`0\r\n${formatFields(trailers)}\r\n`, 'latin1');
    this.stop();
    this.isSent = true;
    call!.onSent();
  }

  /** Discards the rest of the body: the call was cancelled, or its response is complete. */
  stop(): void {
    this.call = this.source = undefined;
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
}
