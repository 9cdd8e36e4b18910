import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { mergeCompose, toMap } from '../files/compose-merge.js';
import { interpolate, type Variables } from '../files/compose-interpolation.js';
import { DockerFile } from '../files/docker-file.js';
import { parseEnvFile } from '../files/env-file.js';
import type { TextFiles } from '../files/text-files.js';
import { UnreadableError } from '../files/unreadable.error.js';
import { entriesAt, nodeAt, parseYaml, textAt, type YamlMap, type YamlNode } from '../files/yaml.tree.js';
import { ComposeService, type BuiltImage } from './service.js';

export interface StackFiles {
  /** Later files override earlier ones. */
  readonly compose: readonly string[];
  /** A file with variables for the compose file. Default: `.env` beside the first compose file, if it exists. */
  readonly env: string | undefined;
  /** Replaces the Dockerfiles of the compose file. */
  readonly dockerfile: string | undefined;
}

/** A build context on another machine. */
const REMOTE = /:\/\/|^git@|^github\.com\/|\.git(?:#|$)/;

/** The services of a compose file, merged and filled in as compose does. */
export class Stack {
  readonly services: readonly ComposeService[];
  /** The services that `docker compose up` starts: those without a profile, or with an active one. */
  readonly running: readonly ComposeService[];
  /** The whole file. */
  readonly node: YamlMap;
  /** The whole file without the variables of `.env`: all that is in version control. */
  readonly committed: YamlMap;
  readonly dockerfiles: readonly DockerFile[];
  /** The base of relative paths in the compose file. */
  readonly folder: string;
  /** Parts of the files that the doctor does not read. */
  readonly notices: readonly string[];

  /** @throws UnreadableError if a file is missing, is not understood, or has no services */
  constructor(files: TextFiles, paths: StackFiles) {
    this.folder = dirname(paths.compose[0]!);
    const parsed = paths.compose.map((path) => asMap(parseYaml(files.read(path), files.nameOf(path))));
    const fill = (given: Variables): YamlMap =>
      parsed.map((node) => asMap(interpolate(node, given))).reduce(mergeCompose);
    const variables = readVariables(files, paths, this.folder);
    this.node = fill(variables);
    this.committed = fill(new Map());
    const dockerfiles = new DockerFiles(files, this.folder, paths.dockerfile);
    this.services = [...entriesAt(this.node, 'services')].map(
      ([name, service]) => new ComposeService(name, asMap(service), dockerfiles.imageOf(name, service)),
    );
    if (this.services.length === 0) {
      throw new UnreadableError({ file: files.nameOf(paths.compose[0]!), line: 1 }, 'has no services');
    }
    const profiles = (variables.get('COMPOSE_PROFILES') ?? '').split(',').map((name) => name.trim());
    this.running = this.services.filter((service) => service.runsWith(profiles));
    this.dockerfiles = dockerfiles.read;
    this.notices = [
      ...(nodeAt(this.node, 'include') ? ['include of the compose file is not followed'] : []),
      ...this.services.flatMap((service) => noticesOf(service)),
      ...dockerfiles.notices,
    ];
  }

  /** The service with this host name or address; undefined without one. */
  serviceAt(host: string): ComposeService | undefined {
    return this.services.find((service) => service.names.includes(host));
  }

  /** A path of the compose file, relative to the doctor's working directory. */
  pathOf(source: string): string {
    return pathFrom(this.folder, source);
  }
}

function asMap(node: YamlNode): YamlMap {
  if (node.kind !== 'map') throw new UnreadableError(node.at, 'is no mapping');
  return node;
}

/** A path as compose reads it, relative to a folder; `~` is the home of the user. */
function pathFrom(folder: string, path: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return isAbsolute(path) ? path : join(folder, path);
}

/** The variables of the file, and `PWD`, the folder of the compose file. */
function readVariables(files: TextFiles, { env }: StackFiles, folder: string): Variables {
  const path = env ?? join(folder, '.env');
  const text = env === undefined && !files.exists(path) ? '' : files.read(path);
  const pwd: [string, string] = ['PWD', resolve(files.root, folder)];
  return new Map([pwd, ...parseEnvFile(text).map(({ name, value }): [string, string] => [name, value])]);
}

/** Reads each Dockerfile once. */
class DockerFiles {
  private readonly byPath = new Map<string, DockerFile>();
  /** Services whose images are built from files that are not on this machine. */
  readonly notices: string[] = [];

  constructor(
    private readonly files: TextFiles,
    private readonly folder: string,
    private readonly instead: string | undefined,
  ) {}

  get read(): DockerFile[] {
    return [...this.byPath.values()];
  }

  /** The image that is built for a service; undefined if none is, or if its files are not on this machine. */
  imageOf(service: string, node: YamlNode): BuiltImage | undefined {
    const build = nodeAt(node, 'build');
    if (!build) return undefined;
    const written = textAt(node, 'build')?.value ?? textAt(build, 'context')?.value ?? '.';
    const context = pathFrom(this.folder, written);
    if (this.instead === undefined) {
      const reason = this.whyUnread(build, written, context);
      if (reason !== undefined) {
        this.notices.push(`${service}: ${reason}, so its image is not examined`);
        return undefined;
      }
    }
    const path = this.instead ?? pathFrom(context, textAt(build, 'dockerfile')?.value ?? 'Dockerfile');
    const file = this.byPath.get(path) ?? DockerFile.read(this.files, path);
    this.byPath.set(path, file);
    const given = nodeAt(build, 'args');
    const args = [...entriesAt(given && toMap(given))].flatMap(([name, value]): [string, string][] =>
      value.kind === 'text' ? [[name, value.text]] : [],
    );
    return { stage: file.stage(textAt(build, 'target')?.value, new Map(args)), context };
  }

  private whyUnread(build: YamlNode, written: string, context: string): string | undefined {
    if (REMOTE.test(written)) return 'its build context is on another machine';
    if (nodeAt(build, 'dockerfile_inline')) return 'dockerfile_inline is not read';
    const isMissing = isAbsolute(written) && !this.files.exists(context);
    return isMissing ? 'its build context is not on this machine' : undefined;
  }
}

function noticesOf({ name, node }: ComposeService): string[] {
  return [
    ...(nodeAt(node, 'env_file') ? [`${name}: env_file is not read; its variables count as not set`] : []),
    ...(nodeAt(node, 'extends') ? [`${name}: extends is not followed`] : []),
  ];
}
