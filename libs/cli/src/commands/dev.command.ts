import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { CommandError } from '../output/command.error.js';
import { runTogether, type Program } from '../project/run-together.js';
import { Project } from '../project/project.js';
import { APP_OPTION, type ApplicationOptions, type CommandContext } from './command-context.js';

const COMPILER = 'node_modules/typescript/bin/tsc';
const NEST = 'node_modules/@nestjs/cli/bin/nest.js';

/** `gateway dev`: compiles the project and starts it anew at each change. */
export function addDevCommand(program: Command, context: CommandContext): void {
  program
    .command('dev')
    .description(
      'compile the project and run it, again at each change: by nest start --watch, or by tsc and node --watch',
    )
    .option(...APP_OPTION)
    .action((options: ApplicationOptions) => runDev(options, context));
}

async function runDev({ app }: ApplicationOptions, context: CommandContext): Promise<void> {
  const { folder } = context;
  const programs = programsFor(folder, app);
  // The drain is for clients that are served elsewhere meanwhile.
  const variables = { SHUTDOWN_DELAY_MS: '0', ...context.variables };
  const code = await runTogether(programs, { folder, variables });
  if (code !== 0) throw new CommandError(`a program of gateway dev ended with ${code}`);
}

/** The programs, each after the one before has compiled. @throws CommandError if the project has no compiler */
function programsFor(folder: string, app: string | undefined): Program[] {
  if (existsSync(join(folder, 'nest-cli.json')) && existsSync(join(folder, NEST))) {
    return [{ args: [NEST, 'start', '--watch'] }];
  }
  if (!existsSync(join(folder, COMPILER)))
    throw new CommandError(
      `${COMPILER} does not exist: run \`npm install\`, with typescript among the devDependencies`,
    );
  if (!existsSync(join(folder, 'tsconfig.json'))) throw new CommandError('tsconfig.json does not exist');
  const main = join(dirname(new Project(folder, app).appFile), 'main.js');
  return [
    // It ends, so that there is a file to run.
    { args: [COMPILER], isAwaited: true },
    { args: [COMPILER, '--watch', '--preserveWatchOutput'] },
    { args: ['--watch', '--watch-preserve-output', main] },
  ];
}
