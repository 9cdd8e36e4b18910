import type { Socket } from 'node:net';
import type { ResponseBounds } from './response-bounds.js';

/** Bytes of a read; what Node takes too. */
const READ_BYTES = 64 * 1024;

/** Smaller reads get memory of just their size, or a slow client would hold much for little. */
const LARGE_READ_BYTES = 32 * 1024;

/** Most that wait for their next use; past it they are garbage. */
const MOST_UNUSED = 64;

/**
 * Every connection reads into this: libuv asks for it when there is something to read, reads, and calls back, with
 * nothing between.
 */
const SHARED: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);

const unused: ReadBuffer[] = [];
const inUse = new WeakMap<ArrayBufferLike, ReadBuffer>();

/**
 * Memory of one large read that is used again once nobody needs its bytes. Node takes new memory for each, and for each
 * 64 MiB of it V8 marks the whole heap: more than half of the cost of a download.
 */
export class ReadBuffer {
  private readonly bytes = Buffer.allocUnsafeSlow(READ_BYTES);
  private holders = 1;

  constructor() {
    inUse.set(this.bytes.buffer, this);
  }

  /** The buffer that a chunk is a part of; undefined where it is no large read's. */
  static of({ buffer }: Buffer): ReadBuffer | undefined {
    return buffer.byteLength === READ_BYTES ? inUse.get(buffer) : undefined;
  }

  /** The same bytes, held by the parser. */
  static copyOf(read: Buffer): Buffer {
    const buffer = unused.pop() ?? new ReadBuffer();
    buffer.holders = 1;
    read.copy(buffer.bytes);
    return buffer.bytes.subarray(0, read.length);
  }

  /** Somebody more needs the bytes, until `release`. */
  hold(): void {
    this.holders++;
  }

  /** One needs them no more. Who forgets to say so, leaves the memory to the garbage collection. */
  readonly release = (): void => {
    this.holders--;
    if (this.holders === 0 && unused.length < MOST_UNUSED) unused.push(this);
  };
}

const BOUNDS = Symbol('bounds');

interface BoundedSocket extends Socket {
  [BOUNDS]?: ResponseBounds;
}

/** Lets a connection's bytes pass the bounds of its responses before anybody reads them. */
export function filterReads(socket: Socket, bounds: ResponseBounds): void {
  (socket as BoundedSocket)[BOUNDS] = bounds;
}

/** An option of `net.connect`, by which the connection stays a stream, as it is without. */
export const onread = {
  buffer: SHARED,
  callback(this: BoundedSocket, length: number): boolean {
    const all = SHARED.subarray(0, length);
    const read = this[BOUNDS]?.filter(all) ?? all;
    if (read.length === 0) return true;
    // With what was kept of the read before it, one may be larger than the memory for it.
    const isReusable = read.length >= LARGE_READ_BYTES && read.length <= READ_BYTES;
    return this.push(isReusable ? ReadBuffer.copyOf(read) : Buffer.from(read));
  },
};
