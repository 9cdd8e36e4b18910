import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A named pipe for log lines. Its reader reads only when the test lets it. */
export class LogPipe implements AsyncDisposable {
  readonly lines: string[] = [];
  private unfinishedLine = '';
  private reader: Socket | undefined;

  private constructor(
    private readonly folder: string,
    readonly path: string,
    private readonly descriptor: number,
  ) {}

  static make(): LogPipe {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-log-'));
    const path = join(folder, 'log');
    execFileSync('mkfifo', [path]);
    return new LogPipe(folder, path, openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  }

  /** Reads until it has a line. @throws Error if all writers close the pipe before */
  async readUntil(isEnough: (line: string) => boolean): Promise<string> {
    const reader = (this.reader ??= this.open());
    for (;;) {
      const found = this.lines.find(isEnough);
      if (found !== undefined) return found;
      if (reader.closed)
        throw new Error(`all writers closed the pipe; the last line is: ${this.lines.at(-1)}`);
      await Promise.race([once(reader, 'lines'), once(reader, 'close')]);
    }
  }

  /** Closes the reader. Later writes fail with `EPIPE`. */
  async close(): Promise<void> {
    const reader = (this.reader ??= this.open());
    if (reader.closed) return;
    const closed = once(reader, 'close');
    reader.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true });
  }

  private open(): Socket {
    const reader = new Socket({ fd: this.descriptor, readable: true, writable: false });
    reader.on('error', () => reader.destroy());
    return reader.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.unfinishedLine + text).split('\n');
      this.unfinishedLine = lines.pop()!;
      this.lines.push(...lines);
      reader.emit('lines');
    });
  }
}
