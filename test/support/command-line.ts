import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { JWT_SECRET } from './jwt-secret.js';

/** For a process that hangs; a sound one ends in a second or two. */
const LONGEST_MS = 60_000;

export const COMMAND = resolve('scripts/gateway.mjs');

export interface CommandOptions {
  /** Default: the root of the repository. */
  readonly folder?: string;
  /** Default: the secret alone. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Runs the built command `gateway` as a process. */
export function gateway(
  args: readonly string[],
  { folder = '.', variables = { JWT_SECRET } }: CommandOptions = {},
) {
  const { PATH } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    cwd: folder,
    env: { PATH, ...variables },
    encoding: 'utf8',
    timeout: LONGEST_MS,
  });
  return { status, stdout, stderr };
}

/** As `gateway`, while this process goes on, for a command that calls it. */
export async function gatewayBeside(args: readonly string[]): Promise<string> {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [COMMAND, ...args], { env: { PATH, JWT_SECRET } });
  const texts = await child.stdout.setEncoding('utf8').toArray();
  return texts.join('');
}

/** The JSON that a command prints. */
export function gatewayJson<Result>(args: readonly string[], options?: CommandOptions): Result {
  return JSON.parse(gateway([...args, '--json'], options).stdout) as Result;
}

const built = (path: string): string => JSON.stringify(pathToFileURL(resolve(path)).href);

/**
 * The compiled root module of a small application.
 * @param upstreams the arguments of its `@Upstream()`s, as JavaScript
 * @param options the argument of `forRoot`, as JavaScript
 */
export function appModule(upstreams: readonly string[], options = '{}'): string {
  return [
    `import { GatewayModule, Upstream } from ${built('dist/libs/gateway/src/index.js')};`,
    `import { Module } from ${built('node_modules/@nestjs/common/index.js')};`,
    `const of = (options) => { class Any {} Upstream(options)(Any); return Any; };`,
    `export class AppModule {}`,
    `Module({ imports: [GatewayModule.forRoot(${options})], providers: [${upstreams.map((each) => `of(${each})`).join(', ')}] })(AppModule);`,
  ].join('\n');
}

/** A folder with a project. */
export class ProjectFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** @param files texts by their paths */
  static async create(files: Readonly<Record<string, string>> = {}): Promise<ProjectFolder> {
    const project = new ProjectFolder(await mkdtemp(join(tmpdir(), 'gateway-cli-')));
    for (const [path, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
      const file = join(project.path, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    return project;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}
