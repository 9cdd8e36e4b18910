import { resolve } from 'node:path';
import type { Command } from 'commander';
import { gatewaySpec } from '../project/package-origin.js';
import { packageVersion } from '../project/package-root.js';
import { copyTemplate } from '../project/copy-template.js';
import { CommandError } from '../output/command.error.js';
import { JSON_OPTION, type CommandContext } from './command-context.js';

/** Names of npm packages that are images of Docker and names of folders too. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

interface Options {
  readonly gateway?: string;
  readonly json?: true;
}

/** `gateway new NAME`: a project that runs. */
export function addNewCommand(program: Command, context: CommandContext): void {
  program
    .command('new')
    .argument('<name>', 'lower case letters, digits and dashes: the folder, the package and the image')
    .description('write a project with an upstream, a gate, a WebSocket route, tests and a deployment')
    .option(
      '--gateway <spec>',
      'what package.json names as the gateway; default: this version, or the file that it comes from',
    )
    .option(...JSON_OPTION)
    .action((name: string, options: Options) => runNew(name, options, context));
}

function runNew(name: string, { gateway, json }: Options, { folder, output }: CommandContext): void {
  if (!NAME.test(name)) {
    throw new CommandError(
      `${name} is no name for a project: it takes lower case letters, digits and dashes between them, at most 63`,
    );
  }
  const version = packageVersion();
  const files = copyTemplate(resolve(folder, name), {
    NAME: name,
    VERSION: version,
    GATEWAY: gateway ?? gatewaySpec(),
  });
  if (json) output.json({ name, files });
  else
    output.lines([
      `${name}: ${files.length} files`,
      '',
      `cd ${name} && npm install && npm test && npm start`,
    ]);
}
