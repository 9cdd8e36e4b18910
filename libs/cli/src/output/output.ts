import { escaped } from '@app/doctor';

/** Standard output and standard error of a command. A reader that closes its pipe early ends the output, and is no error. */
export class Output {
  constructor(
    private readonly standard: NodeJS.WritableStream = process.stdout,
    private readonly failure: NodeJS.WritableStream = process.stderr,
  ) {
    for (const stream of [standard, failure]) {
      if (stream.listeners('error').includes(ignoreClosedPipe)) continue;
      stream.on('error', ignoreClosedPipe);
    }
  }

  /** Prints text that may have colours of the command itself. Text from files must be escaped before. */
  print(text: string): void {
    this.standard.write(`${text}\n`);
  }

  /** Prints lines, with their control characters escaped. */
  lines(lines: readonly string[]): void {
    this.print(lines.map(escaped).join('\n'));
  }

  /** Prints a value as JSON, which has no control characters. */
  json(value: unknown): void {
    this.print(JSON.stringify(value, undefined, 2));
  }

  /** Prints an error or a warning to standard error, line by line, with control characters escaped. */
  warn(text: string): void {
    this.failure.write(`${text.split('\n').map(escaped).join('\n')}\n`);
  }
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
