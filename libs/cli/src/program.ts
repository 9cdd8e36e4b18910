import { Command } from 'commander';
import type { CommandContext } from './commands/command-context.js';
import { addCheckCommand } from './commands/check.command.js';
import { addConfigCommand } from './commands/config.command.js';
import { addDevCommand } from './commands/dev.command.js';
import { addExplainCommand } from './commands/explain.command.js';
import { addNewCommand } from './commands/new.command.js';
import { addRoutesCommand } from './commands/routes.command.js';
import { addTokenCommand } from './commands/token.command.js';
import { addDoctorCommand } from './commands/doctor.command.js';
import { addVersionCommand } from './commands/version.command.js';

const EXIT_CODES = `
Exit codes: 0; 1 if there are findings, or the gateway would refuse the request; 2 for wrong usage, or if something cannot
be read; 78 if settings, routes or upstreams are wrong.`;

const COMMANDS = [
  addNewCommand,
  addDevCommand,
  addCheckCommand,
  addRoutesCommand,
  addExplainCommand,
  addConfigCommand,
  addDoctorCommand,
  addTokenCommand,
  addVersionCommand,
];

/** The command line with all its commands. */
export function createProgram(context: CommandContext): Command {
  const program = new Command('gateway')
    .description('Makes, runs and explains an API gateway.')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(gateway --help lists the commands)')
    .exitOverride();
  for (const add of COMMANDS) add(program, context);
  for (const command of program.commands) command.exitOverride().showSuggestionAfterError();
  return program;
}
