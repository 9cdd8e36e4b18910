import { ConfigurationError } from '@app/proxy';
import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Settings } from '../settings/complete-settings.js';
import { TABLE } from '../settings/settings.js';
import { escapeLine } from './escape-line.js';

/** Injection token of pino. */
export const PINO = Symbol('PINO');

/** The settings of log lines. */
export type LogSettings = Pick<Settings, 'logLevel' | 'serviceName'>;

const DEFAULTS: LogSettings = {
  logLevel: TABLE.logLevel.default!,
  serviceName: TABLE.serviceName.default!,
};

/** Creates pino, which writes one JSON line for each event. @param now the time of a line. Default: the system's */
export function createPino(
  config: LogSettings,
  stream: DestinationStream,
  now: () => Date = () => new Date(),
): Logger {
  return pino(
    {
      level: config.logLevel,
      messageKey: 'message',
      base: { service: config.serviceName },
      timestamp: () => `,"timestamp":"${now().toISOString()}"`,
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

/** Levels whose lines do not wait for the settings: a boot that ends before would lose them. */
const URGENT: ReadonlySet<Level> = new Set(['warn', 'error', 'fatal']);

/** The context of Nest's line for a failed boot. */
const FAILED_BOOT = 'ExceptionHandler';

interface KeptLine {
  readonly at: Date;
  readonly write: (lines: Logger) => void;
}

/**
 * Writes the log calls of Nest, and of the providers that use Nest's `Logger`, to pino. Until the settings are known, it
 * writes lines of the level `warn` and above with the default settings, and keeps the others.
 */
export class GatewayLogger implements LoggerService {
  private readonly byDefault: Logger;
  private lines: Logger | undefined;
  private kept: KeptLine[] = [];
  private keptAt: Date | undefined;

  constructor(private readonly stream: DestinationStream) {
    this.byDefault = createPino(DEFAULTS, stream);
  }

  /** Writes the lines kept so far, each with its own time, and all later ones. */
  open(config: LogSettings): Logger {
    const lines = createPino(config, this.stream, () => this.keptAt ?? new Date());
    this.lines = lines;
    for (const { at, write } of this.kept) {
      this.keptAt = at;
      write(lines);
    }
    this.keptAt = undefined;
    this.kept = [];
    return lines;
  }

  /** Opens with the default settings unless it is open: the boot has failed before the settings were known. */
  openByDefault(): void {
    if (!this.lines) this.open(DEFAULTS);
  }

  log = (message: unknown, ...rest: unknown[]): void => this.write('info', message, rest);
  error = (message: unknown, ...rest: unknown[]): void => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]): void => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]): void => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]): void => this.write('trace', message, rest);
  fatal = (message: unknown, ...rest: unknown[]): void => this.write('fatal', message, rest);

  /** Nest passes the context last; `error` may have a stack before it. */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    const context = typeof rest.at(-1) === 'string' ? rest.at(-1) : undefined;
    // Standard error has its reason.
    if (context === FAILED_BOOT && message instanceof ConfigurationError) return;
    if (level === 'info' && BOOT_CONTEXTS.has(context)) level = 'debug';
    const stack = rest.length > 1 && typeof rest[0] === 'string' ? rest[0] : undefined;
    const write = (lines: Logger): void => {
      if (message instanceof Error) lines[level]({ context, err: message }, message.message);
      else if (typeof message === 'object' && message !== null) lines[level]({ context, ...message });
      else lines[level]({ context, stack }, String(message));
    };
    const open = this.lines ?? (URGENT.has(level) ? this.byDefault : undefined);
    if (open) write(open);
    else this.kept.push({ at: new Date(), write });
  }
}
