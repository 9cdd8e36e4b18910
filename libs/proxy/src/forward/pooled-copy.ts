import { READ_BYTES } from '../transport/dial.js';

/** Most copies whose memory is kept for reuse. */
const MAX_POOLED = 64;

const unused: PooledCopy[] = [];

/**
 * A copy of a large read in memory that is used again. Node would allocate new memory for each read, and V8 marks its whole
 * heap after each 64 MiB of it: more than half of the cost of a download.
 */
export class PooledCopy {
  private readonly memory = Buffer.allocUnsafeSlow(READ_BYTES);
  private length = 0;

  /** Copies bytes of a read. */
  static copyOf(read: Buffer): PooledCopy {
    const copy = unused.pop() ?? new PooledCopy();
    read.copy(copy.memory);
    copy.length = read.length;
    return copy;
  }

  get bytes(): Buffer {
    return this.memory.subarray(0, this.length);
  }

  /** Lets the memory be used again: call it once, and use `bytes` no more. Memory that is never released is garbage-collected. */
  readonly release = (): void => {
    if (unused.length < MAX_POOLED) unused.push(this);
  };
}
