import { EXIT, type ExitCode } from './exit-codes.js';

/** A command cannot do its work. Its message suffices to correct it: no stack trace is printed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  /** @param exitCode default: 2, wrong usage or unreadable */
  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.usage,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
