import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';
import { toNonblocking } from './nonblocking-descriptor.js';

/** Bytes of one turn of the event loop that are not kept until its end. */
const FLUSH_AT_BYTES = 64 * 1024;

/** Bytes that wait for a reader who does not keep up; a line past them is dropped. */
const HIGH_WATER_MARK_BYTES = 1024 * 1024;

/** Bytes that still wait when lines are taken again. */
const LOW_WATER_MARK_BYTES = HIGH_WATER_MARK_BYTES / 2;

/**
 * Bytes of one write: so many go into a pipe as a whole or not at all (`PIPE_BUF` of Linux, pipe(7)), so that neither
 * another writer nor the end of the process cuts a line.
 */
const WRITE_BYTES = 4096;

/** Milliseconds until the descriptor is tried again. */
const RETRY_MS = 10;

/** Milliseconds that the end of the process waits for a reader. */
const EXIT_TIMEOUT_MS = 1_000;

/** UTF-8 has at most three bytes for one character of a string. */
const MOST_BYTES_PER_CHARACTER = 3;

const LINE_FEED = 10;

/**
 * Writes lines to a file descriptor at the end of the turn of the event loop that they came in, and at the end of the
 * process: under load one system call serves many requests, and only `SIGKILL` loses lines, those of one turn.
 *
 * A log line is never worth a request. The descriptor does not block. What it does not take now (the reader of a pipe
 * stands still, or is gone; the disk is full) waits, up to 1 MiB, and is tried again; past that, lines are dropped as a
 * whole and counted until half of it has left. Not pino's own destination: on a full disk that tries for ever to get
 * rid of what it buffers, and the process could not end.
 */
export class LineOutput implements DestinationStream {
  /** Lines that were dropped since the start. */
  dropped = 0;
  /** Told how many lines were dropped in a row, once there is room again; may write a line about them. */
  onRoom: (dropped: number) => void = () => {};

  /** Twice what may wait: the bytes move to the front once at most. */
  private readonly bytes = Buffer.allocUnsafeSlow(2 * HIGH_WATER_MARK_BYTES);
  private start = 0;
  private end = 0;
  /** Lines that were dropped since there was room; 0 while lines are taken. */
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

  /** Of as many whole lines as one write may have; of one line at least. */
  private nextLength(): number {
    const waiting = this.end - this.start;
    if (waiting <= WRITE_BYTES) return waiting;
    const last = this.bytes.lastIndexOf(LINE_FEED, this.start + WRITE_BYTES - 1);
    const lineFeed = last >= this.start ? last : this.bytes.indexOf(LINE_FEED, this.start + WRITE_BYTES);
    return lineFeed + 1 - this.start;
  }

  /** No timer runs any more while a process exits: it sleeps. Nobody waits for a reader that is gone, or for a disk. */
  private drain(): void {
    const asleep = new Int32Array(new SharedArrayBuffer(4));
    let error = this.flush();
    for (let waitedMs = 0; error === 'EAGAIN' && waitedMs < EXIT_TIMEOUT_MS; waitedMs += RETRY_MS) {
      Atomics.wait(asleep, 0, 0, RETRY_MS);
      error = this.flush();
    }
    // The line about those that were dropped.
    if (error === undefined) this.flush();
  }
}
