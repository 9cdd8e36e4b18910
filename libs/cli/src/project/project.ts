import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RootModule } from '@app/gateway';
import { CommandError } from '../output/command.error.js';

const DEFAULT_APP = 'dist/app.module.js';

/** Keys under which Nest's `@Module()` keeps its parts. */
const MODULE_KEYS = ['imports', 'providers', 'controllers', 'exports'];

/** The project in a folder: an application that imports `GatewayModule`, compiled. */
export class Project {
  constructor(
    readonly folder: string,
    private readonly app?: string,
  ) {}

  /** The compiled root module: that of `--app`, of `gateway.app` in package.json, or `dist/app.module.js`. */
  get appFile(): string {
    return resolve(this.folder, this.app ?? this.appOfManifest() ?? DEFAULT_APP);
  }

  /** Whether the project is compiled. @throws CommandError if `--app` names a missing file, or package.json is broken */
  get isBuilt(): boolean {
    if (existsSync(this.appFile)) return true;
    if (this.app !== undefined) throw new CommandError(`${this.app}: there is no such file`);
    return false;
  }

  /** Imports the root module. @throws CommandError if there is no build, or it cannot be imported */
  async load(): Promise<RootModule> {
    const file = this.appFile;
    if (!this.isBuilt) throw new CommandError(this.noBuild());
    const exports = await importFile(file, this.nameOf(file));
    const modules = Object.entries(exports).filter(([, value]) => isModule(value));
    const [, root] = modules.find(([name]) => name === 'AppModule' || name === 'default') ?? modules[0] ?? [];
    if (!root) throw new CommandError(`${this.nameOf(file)} exports no Nest module`);
    return root as RootModule;
  }

  /** One line about a missing build. */
  noBuild(): string {
    const file = this.nameOf(this.appFile);
    return `${file} does not exist: run \`npm run build\`, or name the compiled root module by --app FILE or by { "gateway": { "app": FILE } } in package.json`;
  }

  private nameOf(file: string): string {
    const name = relative(this.folder, file);
    return name.startsWith('..') || isAbsolute(name) ? file : name;
  }

  private appOfManifest(): string | undefined {
    const path = join(this.folder, 'package.json');
    if (!existsSync(path)) return undefined;
    let manifest: unknown;
    try {
      manifest = JSON.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      throw new CommandError(`package.json cannot be read: ${(error as Error).message}`);
    }
    const { app } = (manifest as { readonly gateway?: { readonly app?: unknown } } | null)?.gateway ?? {};
    if (app === undefined || typeof app === 'string') return app;
    throw new CommandError('package.json: gateway.app is no path of a file');
  }
}

async function importFile(file: string, name: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    const { message = String(error) } = (error ?? {}) as Partial<Error>;
    throw new CommandError(`${name} cannot be imported: ${message}`, undefined, { cause: error });
  }
}

function isModule(value: unknown): boolean {
  return typeof value === 'function' && MODULE_KEYS.some((key) => Reflect.hasMetadata(key, value));
}
