/** Most bytes of a read, as in Node. */
const READ_BYTES = 64 * 1024;

/** Most buffers that are kept for reuse. */
const MOST_UNUSED = 64;

/** Every connection reads into this buffer. Safe, since libuv asks for it, reads and calls back without interruption. */
export const SHARED: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);

const unused: ReadBuffer[] = [];

/**
 * A copy of a large read in memory that is used again. Node would allocate new memory for each read, and V8 marks its whole
 * heap after each 64 MiB of it: more than half of the cost of a download.
 */
export class ReadBuffer {
  private readonly memory = Buffer.allocUnsafeSlow(READ_BYTES);
  private length = 0;

  /** Copies bytes of a read. */
  static copyOf(read: Buffer): ReadBuffer {
    const buffer = unused.pop() ?? new ReadBuffer();
    read.copy(buffer.memory);
    buffer.length = read.length;
    return buffer;
  }

  get bytes(): Buffer {
    return this.memory.subarray(0, this.length);
  }

  /** Lets the memory be used again: call it once, and use `bytes` no more. Memory that is never released is garbage-collected. */
  readonly release = (): void => {
    if (unused.length < MOST_UNUSED) unused.push(this);
  };
}
