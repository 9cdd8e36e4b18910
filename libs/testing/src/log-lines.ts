import { Writable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { Changes } from './changes.js';

/** A line of the gateway's log, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Collects the log lines of a gateway, and lets tests wait for one. */
export class LogLines extends Writable {
  readonly all: LogLine[] = [];
  private readonly changes: Changes;

  /** @param waitMs milliseconds that a test waits for a line */
  constructor(waitMs?: number) {
    super();
    this.changes = new Changes(waitMs);
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    for (const text of chunk.toString().split('\n')) {
      if (text === '') continue;
      this.all.push(JSON.parse(text) as LogLine);
      this.changes.notify();
    }
    callback();
  }

  /** Resolves with the first line, past or future, that has all these fields. @throws TestGatewayError if none comes */
  find(fields: LogLine): Promise<LogLine> {
    const matches = (line: LogLine): boolean =>
      Object.entries(fields).every(([name, value]) => isDeepStrictEqual(line[name], value));
    return this.changes.until(
      () => this.all.find(matches),
      () => `no log line had ${JSON.stringify(fields)}; the messages were ${this.messages()}`,
    );
  }

  /** Resolves with the next line. @throws TestGatewayError if none comes */
  next(): Promise<LogLine> {
    const { length } = this.all;
    return this.changes.until(
      () => this.all[length],
      () => 'no log line came',
    );
  }

  private messages(): string {
    return JSON.stringify(this.all.map(({ message }) => message));
  }
}
