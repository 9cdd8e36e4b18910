import { printable, readApplication } from '@app/doctor';
import { codeFor, describeRow, entriesOf, loadWithValues, TABLE } from '@app/gateway/internal';
import type { Command } from 'commander';
import { toColumns } from '../output/columns.js';
import { Project } from '../project/project.js';
import { APP_OPTION, JSON_OPTION, type ApplicationOptions, type CommandContext } from './command-context.js';
import { toSettingRows } from '../project/setting-rows.js';

const HEAD = ['SETTING', 'VALUE', 'FROM', 'DEFAULT'];

/** `gateway config`: the value of each setting, and where it comes from. */
export function addConfigCommand(program: Command, context: CommandContext): void {
  program
    .command('config')
    .description(
      'list each setting with its value, its source (environment, file, code, default) and its default',
    )
    .option(...APP_OPTION)
    .option(...JSON_OPTION)
    .action((options: ApplicationOptions) => runConfig(options, context));
}

async function runConfig({ app, json }: ApplicationOptions, context: CommandContext): Promise<void> {
  const { folder, variables, output } = context;
  const { settings: code } = readApplication(await new Project(folder, app).load());
  const { settings } = loadWithValues(variables, { settings: code });
  const rows = toSettingRows(
    entriesOf(TABLE).map((entry) => ({ ...entry, description: describeRow(entry) })),
    { settings, given: codeFor(variables, code), variables },
  );
  if (json) output.json(rows);
  else {
    const cells = rows.map(({ name, value, from, default: own }) => [
      name,
      printable(value),
      from,
      printable(own),
    ]);
    output.lines(toColumns([HEAD, ...cells]));
  }
}
