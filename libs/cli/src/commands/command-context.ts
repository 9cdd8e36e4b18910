import type { Variables } from '@app/gateway/internal';
import type { Output } from '../output/output.js';
import type { ExitCode } from '../output/exit-codes.js';

/** What a command works with. */
export interface CommandContext {
  /** The folder in which it was started. */
  readonly folder: string;
  /** The variables of its environment. */
  readonly variables: Variables;
  readonly output: Output;
  /** Sets the exit code. Default: 0. */
  exit(code: ExitCode): void;
}

/** Options of commands that read the application. */
export interface ApplicationOptions {
  readonly app?: string;
  readonly json?: true;
}

export const APP_OPTION = [
  '--app <file>',
  'the compiled root module; default: gateway.app of package.json, else dist/app.module.js',
] as const;
export const JSON_OPTION = ['--json', 'print JSON'] as const;
