import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';
import { toNonblocking } from './nonblocking-descriptor.js';

/** Bytes that are kept until the end of a turn of the event loop; more are written at once. */
const FLUSH_AT_BYTES = 64 * 1024;

/** Bytes that may wait for a reader that is slower than the gateway. A line beyond them is dropped. */
const HIGH_WATER_MARK_BYTES = 1024 * 1024;

/** Once no more bytes than these wait, lines are accepted again. */
const LOW_WATER_MARK_BYTES = HIGH_WATER_MARK_BYTES / 2;

/**
 * Bytes of one write. Linux writes up to `PIPE_BUF` bytes to a pipe as a whole or not at all (pipe(7)), so neither
 * another writer nor the end of the process cuts a line.
 */
const WRITE_BYTES = 4096;

/** Milliseconds from a failed write to the next. */
const RETRY_MS = 10;

/** Milliseconds that the exit of the process waits for the reader. */
const EXIT_TIMEOUT_MS = 1_000;

/** Most bytes of UTF-8 for each unit of a string's `length`. */
const MOST_BYTES_PER_CHARACTER = 3;

const LINE_FEED = 10;

/**
 * Writes lines to a file descriptor at the end of each turn of the event loop, and at the exit of the process. Under load
 * one system call writes the lines of many requests. `SIGKILL` loses the lines of one turn.
 *
 * Requests never wait for the log: the descriptor does not block. If a write fails, since the reader of a pipe is slow or
 * gone, or the disk is full, up to 1 MiB of lines waits for the next write. Lines beyond that are dropped as a whole and
 * counted, until half of the 1 MiB is written. Pino's own destination does not serve: on a full disk it repeats the write
 * for ever, and the process cannot end.
 */
export class LineOutput implements DestinationStream {
  /** Number of lines dropped since the start. */
  dropped = 0;
  /** Called once there is room again, with the number of lines dropped in a row. It may write a line. */
  onRoom: (dropped: number) => void = () => {};

  /** Twice the high-water mark, so that each byte moves to the front once at most. */
  private readonly bytes = Buffer.allocUnsafeSlow(2 * HIGH_WATER_MARK_BYTES);
  private start = 0;
  private end = 0;
  /** Number of lines dropped in a row; 0 while lines are accepted. */
  private droppedInRow = 0;
  private isScheduled = false;
  private retry: NodeJS.Timeout | undefined;
  private readonly descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = toNonblocking(descriptor);
    process.on('exit', () => this.drain());
  }

  /** @param line with its line feed */
  write(line: string): void {
    if (this.droppedInRow > 0 || !this.hasRoomFor(line)) {
      this.dropped++;
      this.droppedInRow++;
      return;
    }
    this.end += this.bytes.write(line, this.end);
    if (this.end - this.start >= FLUSH_AT_BYTES && this.retry === undefined) this.flush();
    else this.schedule();
  }

  private hasRoomFor(line: string): boolean {
    const mostBytes = line.length * MOST_BYTES_PER_CHARACTER;
    const free = HIGH_WATER_MARK_BYTES - (this.end - this.start);
    if (mostBytes > free && Buffer.byteLength(line) > free) return false;
    if (this.end + mostBytes > this.bytes.length) {
      this.bytes.copyWithin(0, this.start, this.end);
      this.end -= this.start;
      this.start = 0;
    }
    return true;
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.flush();
    });
  }

  /** @returns the code of the error, if the descriptor did not take all lines */
  private readonly flush = (): string | undefined => {
    clearTimeout(this.retry);
    this.retry = undefined;
    const error = this.writeLines();
    if (error !== undefined) this.retry = setTimeout(this.flush, RETRY_MS).unref();
    if (this.droppedInRow > 0 && this.end - this.start <= LOW_WATER_MARK_BYTES) {
      const dropped = this.droppedInRow;
      this.droppedInRow = 0;
      this.onRoom(dropped);
    }
    return error;
  };

  /** @returns the code of the error, if the descriptor did not take all lines */
  private writeLines(): string | undefined {
    try {
      while (this.start < this.end) {
        this.start += writeSync(this.descriptor, this.bytes, this.start, this.nextLength());
      }
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
    }
    this.start = this.end = 0;
    return undefined;
  }

  /** Bytes of the next write: as many whole lines as `WRITE_BYTES` can hold, and at least one. */
  private nextLength(): number {
    const waiting = this.end - this.start;
    if (waiting <= WRITE_BYTES) return waiting;
    const last = this.bytes.lastIndexOf(LINE_FEED, this.start + WRITE_BYTES - 1);
    const lineFeed = last >= this.start ? last : this.bytes.indexOf(LINE_FEED, this.start + WRITE_BYTES);
    return lineFeed + 1 - this.start;
  }

  /**
   * Writes all lines while the process exits. No timer runs then, so it sleeps between two writes. It waits for a slow
   * reader alone (`EAGAIN`): a reader that is gone and a full disk do not recover.
   */
  private drain(): void {
    const asleep = new Int32Array(new SharedArrayBuffer(4));
    let error = this.flush();
    for (let waitedMs = 0; error === 'EAGAIN' && waitedMs < EXIT_TIMEOUT_MS; waitedMs += RETRY_MS) {
      Atomics.wait(asleep, 0, 0, RETRY_MS);
      error = this.flush();
    }
    // `onRoom` may have written a line.
    if (error === undefined) this.flush();
  }
}
