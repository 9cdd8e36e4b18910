import { readApplication } from '@app/doctor';
import { loadSettings } from '@app/gateway/internal';
import { InvalidArgumentError, type Command } from 'commander';
import { signToken, type TokenOwner } from '../project/sign-token.js';
import { Project } from '../project/project.js';
import { APP_OPTION, JSON_OPTION, type ApplicationOptions, type CommandContext } from './command-context.js';

type Options = ApplicationOptions & TokenOwner;

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const DURATION = /^(\d{1,9})([smhd]?)$/;

/** `gateway token`: an access token that the gateway accepts. */
export function addTokenCommand(program: Command, context: CommandContext): void {
  program
    .command('token')
    .description(
      "sign an access token for trying out, by the application's secret, audience, issuer and claims",
    )
    .option('--user <id>', 'the user', 'user-1')
    .option('--role <role>', 'the role', 'user')
    .option('--expires <time>', 'seconds, or a number with s, m, h or d', parseSeconds, SECONDS.h)
    .option(...APP_OPTION)
    .option(...JSON_OPTION)
    .action((options: Options) => runToken(options, context));
}

async function runToken(options: Options, { folder, variables, output }: CommandContext): Promise<void> {
  const { settings } = readApplication(await new Project(folder, options.app).load());
  const { auth } = loadSettings(variables, { settings });
  const { token, claims } = signToken(options, auth);
  output.warn(
    `warning: the secret of the gateway signs this token: until it expires, its holder is ${options.user} for every gateway with that secret`,
  );
  if (options.json) output.json({ token, claims });
  else output.print(token);
}

function parseSeconds(text: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  const seconds = Number(count) * SECONDS[(unit || 's') as keyof typeof SECONDS];
  if (!(seconds > 0)) throw new InvalidArgumentError('It is no duration such as 900, 15m or 1h.');
  return seconds;
}
