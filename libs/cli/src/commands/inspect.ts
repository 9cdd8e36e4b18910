import { SourceLocations, TextFiles } from '@app/doctor';
import { InspectedGateway } from '@app/gateway/internal';
import { Project } from '../project/project.js';
import type { ApplicationOptions, CommandContext } from './command-context.js';

/** The application of the project, created without a connection. The caller must dispose it. */
export async function inspect(
  { app }: ApplicationOptions,
  { folder, variables }: CommandContext,
): Promise<InspectedGateway> {
  return InspectedGateway.create(await new Project(folder, app).load(), variables);
}

/** The lines of the routes in the sources of the project. */
export function sourcesOf({ folder }: CommandContext): SourceLocations {
  return new SourceLocations(new TextFiles(folder));
}
