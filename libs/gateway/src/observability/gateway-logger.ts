import type { Settings } from '../settings/complete-settings.js';
import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import { escapeLine } from './escape-line.js';

/** Injection token of pino. */
export const PINO = Symbol('PINO');

/** Creates pino, which writes one JSON line for each event. */
export function createPino(config: Settings, stream: DestinationStream): Logger {
  return pino(
    {
      level: config.logLevel,
      messageKey: 'message',
      base: { service: config.serviceName },
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line) => stream.write(escapeLine(line)) },
  );
}

/** Contexts of Nest's own boot, which logs a line for each module and route: these lines have the level `debug`. */
const BOOT_CONTEXTS: ReadonlySet<unknown> = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);

type Level = 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal';

/**
 * Writes the log calls of Nest, and of the providers that use Nest's `Logger`, to pino. Keeps the lines until pino exists,
 * which needs the settings. If a boot fails before, they are lost: the error of the boot has the reason.
 */
export class GatewayLogger implements LoggerService {
  private lines: Logger | undefined;
  private early: (readonly [level: Level, message: unknown, rest: unknown[]])[] = [];

  /** Writes the lines kept so far, and all later ones. */
  open(lines: Logger): void {
    this.lines = lines;
    for (const line of this.early) this.write(...line);
    this.early = [];
  }

  log = (message: unknown, ...rest: unknown[]): void => this.write('info', message, rest);
  error = (message: unknown, ...rest: unknown[]): void => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]): void => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]): void => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]): void => this.write('trace', message, rest);
  fatal = (message: unknown, ...rest: unknown[]): void => this.write('fatal', message, rest);

  /** Nest passes the context last; `error` may have a stack before it. */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    if (!this.lines) {
      this.early.push([level, message, rest]);
      return;
    }
    const context = typeof rest.at(-1) === 'string' ? rest.at(-1) : undefined;
    if (level === 'info' && BOOT_CONTEXTS.has(context)) level = 'debug';
    const stack = rest.length > 1 && typeof rest[0] === 'string' ? rest[0] : undefined;
    if (message instanceof Error) this.lines[level]({ context, err: message }, message.message);
    else if (typeof message === 'object' && message !== null) this.lines[level]({ context, ...message });
    else this.lines[level]({ context, stack }, String(message));
  }
}
