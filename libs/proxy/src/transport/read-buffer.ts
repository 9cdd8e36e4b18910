import type { Socket } from 'node:net';
import type { ResponseBounds } from './response-bounds.js';

/** Most bytes of a read, as in Node. */
const READ_BYTES = 64 * 1024;

/** Smaller reads get memory of their own size, or a few bytes for a slow client would hold 64 KiB. */
const LARGE_READ_BYTES = 32 * 1024;

/** Most buffers that are kept for reuse. */
const MOST_UNUSED = 64;

/** Every connection reads into this buffer. Safe, since libuv asks for it, reads and calls back without interruption. */
const SHARED: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);

const unused: ReadBuffer[] = [];
const inUse = new WeakMap<ArrayBufferLike, ReadBuffer>();

/**
 * Memory of one large read, reused once all holders have released it. Node would allocate new memory for each read, and V8
 * marks the whole heap for each 64 MiB of it: more than half of the cost of a download.
 */
export class ReadBuffer {
  private readonly bytes = Buffer.allocUnsafeSlow(READ_BYTES);
  private holders = 1;

  constructor() {
    inUse.set(this.bytes.buffer, this);
  }

  /** The buffer of a chunk; undefined if the chunk is not from a large read. */
  static of({ buffer }: Buffer): ReadBuffer | undefined {
    return buffer.byteLength === READ_BYTES ? inUse.get(buffer) : undefined;
  }

  /** Copies a read into a buffer, with the parser as its holder. */
  static copyOf(read: Buffer): Buffer {
    const buffer = unused.pop() ?? new ReadBuffer();
    buffer.holders = 1;
    read.copy(buffer.bytes);
    return buffer.bytes.subarray(0, read.length);
  }

  /** Adds a holder, which must call `release`. */
  hold(): void {
    this.holders++;
  }

  /** Removes a holder. Memory that is never released is garbage-collected. */
  readonly release = (): void => {
    this.holders--;
    if (this.holders === 0 && unused.length < MOST_UNUSED) unused.push(this);
  };
}

const BOUNDS = Symbol('bounds');

interface BoundedSocket extends Socket {
  [BOUNDS]?: ResponseBounds;
}

/** Filters the bytes of a connection by the bounds of its responses before undici reads them. */
export function filterReads(socket: Socket, bounds: ResponseBounds): void {
  (socket as BoundedSocket)[BOUNDS] = bounds;
}

/** The `onread` option of `net.connect`. The connection stays a stream all the same. */
export const onread = {
  buffer: SHARED,
  callback(this: BoundedSocket, length: number): boolean {
    const all = SHARED.subarray(0, length);
    const read = this[BOUNDS]?.filter(all) ?? all;
    if (read.length === 0) return true;
    // A read may be larger than READ_BYTES with the bytes kept from the read before it.
    const isReusable = read.length >= LARGE_READ_BYTES && read.length <= READ_BYTES;
    return this.push(isReusable ? ReadBuffer.copyOf(read) : Buffer.from(read));
  },
};
