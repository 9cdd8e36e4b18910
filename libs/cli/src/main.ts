import { UnreadableError } from '@app/doctor';
import { ConfigurationError } from '@app/gateway';
import { processVariables } from '@app/gateway/internal';
import { CommanderError } from 'commander';
import { createProgram } from './program.js';
import { CommandError } from './output/command.error.js';
import { EXIT, type ExitCode } from './output/exit-codes.js';
import { Output } from './output/output.js';

/** Milliseconds from the end of a command to that of its process. */
const EXIT_MS = 500;

/**
 * Runs the command line `gateway`.
 *
 * @param argv the arguments behind the name of the program
 * @returns the exit code: 0, 1 if there are findings or the gateway refuses, 2 for wrong usage or what cannot be read, 78 for a
 *   wrong configuration
 */
export async function main(argv: readonly string[]): Promise<number> {
  const output = new Output();
  let code: ExitCode = EXIT.success;
  const program = createProgram({
    folder: process.cwd(),
    variables: processVariables(),
    output,
    exit: (given) => (code = given),
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    return fail(error, output);
  } finally {
    exitSoon();
  }
}

/** Ends a process that timers or connections of a team's providers keep running, once the output is written. */
function exitSoon(): void {
  setTimeout(() => process.exit(), EXIT_MS).unref();
}

/** Prints why a command failed. @returns its exit code */
function fail(error: unknown, output: Output): number {
  // Commander has printed its message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
  const { message, stack } = error as Error;
  if (error instanceof CommandError || error instanceof UnreadableError) {
    output.warn(message);
    return error instanceof CommandError ? error.exitCode : EXIT.usage;
  }
  const isConfiguration = error instanceof ConfigurationError;
  output.warn(isConfiguration ? message : (stack ?? message));
  return isConfiguration ? EXIT.configuration : EXIT.usage;
}
