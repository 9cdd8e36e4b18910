import { ConfigurationError } from '@app/gateway';
import type { Command } from 'commander';
import { EXIT } from '../output/exit-codes.js';
import { APP_OPTION, JSON_OPTION, type ApplicationOptions, type CommandContext } from './command-context.js';
import { inspect } from './inspect.js';

/** `gateway check`: whether the application would start, without listening and without a connection. */
export function addCheckCommand(program: Command, context: CommandContext): void {
  program
    .command('check')
    .description(
      'check all settings, upstreams and routes without listening or connecting; exits with 78 on faults',
    )
    .option(...APP_OPTION)
    .option(...JSON_OPTION)
    .action((options: ApplicationOptions) => runCheck(options, context));
}

async function runCheck(options: ApplicationOptions, context: CommandContext): Promise<void> {
  const { output } = context;
  try {
    using gateway = await inspect(options, context);
    const { registry, warnings } = gateway;
    const result = {
      faults: [],
      warnings: warnings.map((warning) => ({ ...warning })),
      upstreams: registry.upstreams.length,
      routes: registry.routes.length,
    };
    if (options.json) output.json(result);
    else {
      for (const warning of warnings) output.warn(`warning: ${JSON.stringify(warning)}`);
      output.lines([`${result.routes} routes of ${result.upstreams} upstreams and the gateway: no fault`]);
    }
  } catch (error) {
    if (!options.json || !(error instanceof ConfigurationError)) throw error;
    output.json({ faults: (error as Error).message.split('\n') });
    context.exit(EXIT.configuration);
  }
}
