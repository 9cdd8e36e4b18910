import type { Command } from 'commander';
import { packageVersion } from '../project/package-root.js';
import { JSON_OPTION, type CommandContext } from './command-context.js';

/** `gateway version`. */
export function addVersionCommand(program: Command, { output }: CommandContext): void {
  program
    .command('version')
    .description('print the versions of the gateway and of Node')
    .option(...JSON_OPTION)
    .action(({ json }: { json?: true }) => {
      const versions = { gateway: packageVersion(), node: process.versions.node };
      if (json) output.json(versions);
      else output.print(`gateway ${versions.gateway}, Node ${versions.node}`);
    });
}
