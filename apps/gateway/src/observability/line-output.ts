import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** Characters of one turn of the event loop that are not kept until its end. */
const MOST_PER_TURN = 64 * 1024;

/** Bytes that wait for a reader who does not keep up; past them whole turns are lost. */
const MOST_WAITING_BYTES = 1024 * 1024;

/** Milliseconds until such a reader is tried again. */
const WAIT_MS = 10;

/** Milliseconds that the end of the process waits for such a reader. */
const WAIT_AT_EXIT_MS = 1_000;

const EMPTY = Buffer.alloc(0);

/**
 * Writes lines to a file descriptor at the end of the turn of the event loop that they came in, and at the end of the
 * process: under load one system call serves many requests, and only `SIGKILL` loses lines, those of one turn. What
 * cannot be written is lost, and the gateway serves on. Not pino's own destination: on a full disk that tries for ever
 * to get rid of what it buffers, and the process could not end.
 */
export class LineOutput implements DestinationStream {
  private lines = '';
  /** What the reader of a pipe had no room for. */
  private waiting: Buffer = EMPTY;
  private again: NodeJS.Timeout | undefined;

  constructor(private readonly descriptor: number) {
    process.on('exit', () => this.end());
  }

  write(line: string): void {
    if (this.lines === '') setImmediate(this.flush);
    this.lines += line;
    if (this.lines.length >= MOST_PER_TURN) this.flush();
  }

  private readonly flush = (): void => {
    const lines = this.lines === '' ? EMPTY : Buffer.from(this.lines);
    this.lines = '';
    const hasRoom = this.waiting.length + lines.length <= MOST_WAITING_BYTES;
    const bytes =
      this.waiting.length === 0 ? lines : hasRoom ? Buffer.concat([this.waiting, lines]) : this.waiting;
    this.waiting = bytes.subarray(this.writeSome(bytes));
    if (this.waiting.length === 0) return;
    clearTimeout(this.again);
    this.again = setTimeout(this.flush, WAIT_MS).unref();
  };

  /** No timer runs any more while a process exits: it sleeps. */
  private end(): void {
    const asleep = new Int32Array(new SharedArrayBuffer(4));
    this.flush();
    for (let waited = 0; this.waiting.length > 0 && waited < WAIT_AT_EXIT_MS; waited += WAIT_MS) {
      Atomics.wait(asleep, 0, 0, WAIT_MS);
      this.flush();
    }
  }

  /** How many were written, or cannot be. */
  private writeSome(bytes: Buffer): number {
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.descriptor, bytes, written);
    } catch (error) {
      // Of any other fault nothing could be said anywhere.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return bytes.length;
    }
    return written;
  }
}
