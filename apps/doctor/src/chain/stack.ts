import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { mergeCompose } from '../files/compose-merge.js';
import { interpolate, type Variables } from '../files/compose-interpolation.js';
import { DockerFile } from '../files/docker-file.js';
import type { TextFiles } from '../files/text-files.js';
import { UnreadableError } from '../files/unreadable.error.js';
import { entriesAt, nodeAt, parseYaml, textAt, type YamlMap, type YamlNode } from '../files/yaml.tree.js';
import { ComposeService } from './service.js';

export interface StackFiles {
  /** Later files are laid over earlier ones. */
  readonly compose: readonly string[];
  /** Variables for the compose file; without it `.env` beside the first compose file, where it is. */
  readonly env: string | undefined;
  /** In place of the file that the compose file builds from. */
  readonly dockerfile: string | undefined;
}

/** The services of a compose file, as compose would run them. */
export class Stack {
  private constructor(
    readonly services: readonly ComposeService[],
    /** The whole file, and the same where no variable is given: what is written down for all to read. */
    readonly node: YamlMap,
    readonly committed: YamlMap,
    readonly dockerfiles: readonly DockerFile[],
    /** The folder that the file's own paths begin in. */
    readonly folder: string,
    readonly notices: readonly string[],
  ) {}

  /** @throws UnreadableError */
  static read(files: TextFiles, paths: StackFiles): Stack {
    const folder = dirname(paths.compose[0]!);
    const parsed = paths.compose.map((path) => asMap(parseYaml(files.read(path), files.nameOf(path))));
    const variables = readVariables(files, paths, folder);
    const fill = (given: Variables): YamlMap =>
      parsed.map((node) => asMap(interpolate(node, given))).reduce(mergeCompose);
    const node = fill(variables);
    const dockerfiles = new DockerFiles(files, folder, paths.dockerfile);
    const services = [...entriesAt(node, 'services')].map(
      ([name, service]) => new ComposeService(name, asMap(service), dockerfiles.stageOf(service)),
    );
    if (services.length === 0) {
      throw new UnreadableError({ file: files.nameOf(paths.compose[0]!), line: 1 }, 'has no services');
    }
    const notices = [
      ...(nodeAt(node, 'include') ? ['include of the compose file is not followed'] : []),
      ...services.flatMap((service) => noticesOf(service)),
    ];
    return new Stack(services, node, fill({}), dockerfiles.read, folder, notices);
  }

  /** The service that a host name or address leads to; undefined where it leads to none. */
  serviceAt(host: string): ComposeService | undefined {
    return this.services.find((service) => service.names.includes(host));
  }

  /** A path of the compose file, from where the doctor runs. */
  pathOf(source: string): string {
    return join(this.folder, source);
  }
}

function asMap(node: YamlNode): YamlMap {
  if (node.kind !== 'map') throw new UnreadableError(node.at, 'is no mapping');
  return node;
}

function readVariables(files: TextFiles, { env }: StackFiles, folder: string): Variables {
  const path = env ?? join(folder, '.env');
  return env === undefined && !files.exists(path) ? {} : parseEnv(files.read(path));
}

/** Reads each Dockerfile once. */
class DockerFiles {
  private readonly byPath = new Map<string, DockerFile>();

  constructor(
    private readonly files: TextFiles,
    private readonly folder: string,
    private readonly instead: string | undefined,
  ) {}

  get read(): DockerFile[] {
    return [...this.byPath.values()];
  }

  stageOf(service: YamlNode) {
    const build = nodeAt(service, 'build');
    if (!build) return undefined;
    const context = textAt(service, 'build')?.value ?? textAt(build, 'context')?.value ?? '.';
    // Another machine's: nothing to read here.
    if (context.includes('://') && this.instead === undefined) return undefined;
    const path =
      this.instead ?? join(this.folder, context, textAt(build, 'dockerfile')?.value ?? 'Dockerfile');
    const file = this.byPath.get(path) ?? DockerFile.read(this.files, path);
    this.byPath.set(path, file);
    const args = [...entriesAt(build, 'args')].flatMap(([name, node]): [string, string][] =>
      node.kind === 'text' ? [[name, node.text]] : [],
    );
    return file.stage(textAt(build, 'target')?.value, new Map(args));
  }
}

function noticesOf({ name, node }: ComposeService): string[] {
  return [
    ...(nodeAt(node, 'env_file') ? [`${name}: env_file is not read; its variables count as not set`] : []),
    ...(nodeAt(node, 'extends') ? [`${name}: extends is not followed`] : []),
  ];
}
