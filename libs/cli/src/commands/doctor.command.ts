import { examine, readApplication, toJson, toText, type Application, type Paths } from '@app/doctor';
import type { Command } from 'commander';
import { EXIT } from '../output/exit-codes.js';
import { Project } from '../project/project.js';
import { APP_OPTION, JSON_OPTION, type ApplicationOptions, type CommandContext } from './command-context.js';

type Options = ApplicationOptions & Partial<Paths>;

/** `gateway doctor`: compares the files of a deployment. */
export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description(
      'compare nginx, compose, the Dockerfile, Prometheus and the gateway; exits with 1 if two disagree',
    )
    .option(
      '--compose <file>',
      'compose file, repeatable, later files override; default: that in the folder',
      collect,
    )
    .option('--nginx <file>', "nginx's main file; default: the mount in the compose file")
    .option('--dockerfile <file>', 'replaces the Dockerfiles of the compose file')
    .option('--prometheus <file>', 'prometheus.yml; default: the mount in the compose file')
    .option('--env <file>', 'variables of the compose file; default: .env beside it')
    .option(...APP_OPTION)
    .option(...JSON_OPTION)
    .action((options: Options) => runDoctor(options, context));
}

async function runDoctor({ app, json, ...paths }: Options, context: CommandContext): Promise<void> {
  const project = new Project(context.folder, app);
  const report = examine(context.folder, paths, await readApplicationOf(project));
  context.output.print(json ? toJson(report) : toText(report));
  if (report.findings.length > 0) context.exit(EXIT.findings);
}

/** What the decorators of the project say; why there is nothing to read if it has no build. */
async function readApplicationOf(project: Project): Promise<Application | string> {
  return project.isBuilt ? readApplication(await project.load()) : project.noBuild();
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
