import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The longest that one command may take, an installation from an empty cache included. */
const COMMAND_TIMEOUT_MS = 180_000;

const MOST_OUTPUT_BYTES = 16 * 1024 * 1024;

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** The npm package, which `npm run package` has made. */
export const TARBALL = resolve(`dist/secureconnect-gateway-${version}.tgz`);

type Variables = Readonly<Record<string, string>>;

/** A folder outside of the repository, as a team has it: no file of the repository is found from it but the npm package. */
export class ForeignProject implements AsyncDisposable {
  private constructor(
    private readonly root: string,
    /** The folder in which commands run. */
    readonly folder: string,
  ) {}

  /** An empty folder, with the downloads of npm on this machine and nothing else that npm has kept. */
  static async create(): Promise<ForeignProject> {
    const root = await mkdtemp(join(tmpdir(), 'foreign-project-'));
    const { stdout } = await execute('npm', ['config', 'get', 'cache']);
    const cache = join(root, 'npm-cache');
    const downloads = join(stdout.trim(), '_cacache');
    for (const path of [cache, downloads]) await mkdir(path, { recursive: true });
    await symlink(downloads, join(cache, '_cacache'));
    return new ForeignProject(root, root);
  }

  /** Copies a project from the folder `test/parts/foreign`, with the npm package as its dependency. */
  static async copy(name: string): Promise<ForeignProject> {
    const { root } = await ForeignProject.create();
    const project = new ForeignProject(root, join(root, name));
    await cp(join('test/parts/foreign', name), project.folder, { recursive: true });
    const manifest = join(project.folder, 'package.json');
    const text = await readFile(manifest, 'utf8');
    await writeFile(manifest, text.replace('__GATEWAY__', `file:${TARBALL}`));
    return project;
  }

  /** The project in a folder of this one. It ends with this one. */
  within(name: string): ForeignProject {
    return new ForeignProject(this.root, join(this.folder, name));
  }

  /** Runs a command. @returns its standard output @throws Error with all output if its exit code is not 0 */
  async run(command: string, args: readonly string[], variables: Variables = {}): Promise<string> {
    try {
      const { stdout } = await execute(command, [...args], {
        cwd: this.folder,
        env: this.environmentWith(variables),
        timeout: COMMAND_TIMEOUT_MS,
        maxBuffer: MOST_OUTPUT_BYTES,
      });
      return stdout;
    } catch (error) {
      const { stdout, stderr, message } = error as Error & { stdout: string; stderr: string };
      throw new Error(`${message}\n${stdout}\n${stderr}`, { cause: error });
    }
  }

  /** `npm install`, mostly from what this machine has downloaded before. */
  install(): Promise<string> {
    return this.run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']);
  }

  /** Starts a program that prints `"message":"listening"` with its port. */
  start(command: string, args: readonly string[], variables: Variables = {}): RunningProgram {
    return new RunningProgram(
      spawn(command, [...args], {
        cwd: this.folder,
        env: this.environmentWith(variables),
        stdio: ['ignore', 'pipe', 'pipe'],
        // Ctrl-C of a terminal goes to the whole group.
        detached: true,
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  /** Those of this process without what npm and Jest set, and with the Node that runs the tests. */
  private environmentWith(variables: Variables): NodeJS.ProcessEnv {
    const own = Object.entries(process.env).filter(
      ([name]) => !/^(?:npm_|JEST_|NODE_(?:ENV|OPTIONS)$)/.test(name),
    );
    const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
    return {
      ...Object.fromEntries(own),
      PATH: path,
      npm_config_cache: join(this.root, 'npm-cache'),
      ...variables,
    };
  }
}

/** A program of a foreign project. */
export class RunningProgram implements AsyncDisposable {
  /** All that it has printed so far. */
  output = '';
  /** Resolves with the exit code when it has ended and all its output was read. */
  readonly exited: Promise<number | null>;

  constructor(private readonly child: ChildProcess) {
    this.exited = once(child, 'close').then(([code]) => code as number | null);
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        child.emit('printed');
      });
    }
  }

  /** Resolves with the match when the output has it. @throws Error with the output if the program ends before */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match) return match;
      const hasEnded = await Promise.race([
        once(this.child, 'printed').then(() => false),
        this.exited.then(() => true),
      ]);
      if (hasEnded && !pattern.test(this.output)) throw new Error(`It ended: ${this.output}`);
    }
  }

  /** Sends SIGINT to the whole group, as Ctrl-C in a terminal does. @returns the exit code */
  interrupt(): Promise<number | null> {
    process.kill(-this.child.pid!, 'SIGINT');
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.interrupt();
  }
}
