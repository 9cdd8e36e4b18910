import type { LoggerService } from '@nestjs/common';
import { types } from 'node:util';

/** Logs one JSON line for each event, without Nest's lines about its start. */
export class JsonLogger implements LoggerService {
  constructor(private readonly service: string) {}

  log(message: unknown, ...rest: unknown[]): void {
    const [fields] = rest;
    if (typeof fields === 'object') this.#write(process.stdout, 'info', message, fields);
  }

  warn(message: unknown): void {
    this.#write(process.stderr, 'warn', message);
  }

  error(message: unknown): void {
    this.#write(process.stderr, 'error', message);
  }

  fatal(message: unknown): void {
    this.#write(process.stderr, 'fatal', message);
  }

  #write(to: NodeJS.WriteStream, level: string, message: unknown, fields: object | null = {}): void {
    const timestamp = new Date().toISOString();
    const { text, stack } = types.isNativeError(message)
      ? { text: message.message, stack: message.stack }
      : { text: String(message) };
    to.write(
      `${JSON.stringify({ level, timestamp, message: text, service: this.service, ...fields, stack })}\n`,
    );
  }
}
