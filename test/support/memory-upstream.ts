import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** The `onread` option of `net.connect`. */
export interface Onread {
  readonly buffer: Buffer;
  readonly callback: (length: number) => boolean;
}

/** A connection to a service in memory. The test says what it sends; all that it gets is in `sent`. */
export class MemoryUpstream extends Duplex {
  /** All bytes that were written to it, as latin1. */
  sent = '';
  /** Number of writes, as the kernel would see them. */
  writes = 0;
  /** Whether it takes no bytes at present. */
  isStalled = false;
  /** Whether the reader has asked to be called no more, and has not resumed. */
  isReadPaused = false;
  /** Whether writes fail, as after a reset that nobody has read. */
  failsWrites = false;
  private waiting: (() => void) | undefined;

  constructor(private readonly onread: Onread) {
    super({ allowHalfOpen: false });
  }

  /** The socket that a pool would open, with its event. */
  get opened(): { socket: Socket; openEvent: 'connect' } {
    return { socket: this as unknown as Socket, openEvent: 'connect' };
  }

  open(): void {
    this.emit('connect');
  }

  /** Sends bytes to the gateway, in one read. */
  send(text: string): void {
    const length = this.onread.buffer.write(text, 'latin1');
    // Only `resume` makes Node read again.
    if (!this.onread.callback(length)) this.isReadPaused = true;
  }

  /** Ends its side of the connection, as FIN does. */
  sendEnd(): void {
    this.push(null);
    this.read(0);
  }

  /** Resets the connection. */
  reset(): void {
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  /** Takes bytes again. */
  takeMore(): void {
    this.isStalled = false;
    this.waiting?.();
    this.waiting = undefined;
  }

  override resume(): this {
    this.isReadPaused = false;
    return super.resume();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (this.failsWrites) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    this.writes++;
    this.sent += chunk.toString('latin1');
    if (this.isStalled) this.waiting = done;
    else done();
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: (error?: Error) => void,
  ): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'latin1', done);
  }
}
