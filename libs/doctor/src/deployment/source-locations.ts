import { createRequire } from 'node:module';
import type ts from 'typescript';
import type { TextFiles } from '../files/text-files.js';
import { UnreadableError } from '../files/unreadable.error.js';
import type { SourceLocation } from '../files/sourced.js';

/** Nest's own file about a project. */
const NEST = 'nest-cli.json';
const SETTINGS = 'libs/gateway/src/settings';

/** The compiler of the project, which an image for production does not have; then no line is known. */
function loadCompiler(): typeof ts | undefined {
  try {
    return createRequire(import.meta.url)('typescript') as typeof ts;
  } catch {
    return undefined;
  }
}

/** The folder with the sources of a project: that of nest-cli.json, or `src`. */
export function sourceFolderOf(files: TextFiles): string {
  if (!files.exists(NEST)) return 'src';
  try {
    const { sourceRoot } = JSON.parse(files.read(NEST)) as { readonly sourceRoot?: unknown };
    return typeof sourceRoot === 'string' ? sourceRoot : 'src';
  } catch (error) {
    throw new UnreadableError({ file: NEST }, (error as Error).message);
  }
}

/** The lines of settings and routes in the gateway's code, for findings. */
export class SourceLocations {
  private readonly variables = new Map<string, SourceLocation>();
  private readonly routes = new Map<string, SourceLocation>();

  private readonly sources: string;

  constructor(files: TextFiles) {
    this.sources = sourceFolderOf(files);
    const compiler = loadCompiler();
    if (!compiler) return;
    for (const path of [...files.list(this.sources), ...files.list(SETTINGS)]) {
      if (!path.endsWith('.ts') || path.endsWith('.spec.ts')) continue;
      const file = files.nameOf(path);
      const text = files.read(path);
      if (!file.startsWith(SETTINGS) && !text.includes('@Upstream(')) continue;
      const source = compiler.createSourceFile(file, text, compiler.ScriptTarget.Latest, true);
      const collect = (node: ts.Node): void => {
        if (compiler.isPropertyAssignment(node)) this.note(node, source);
        compiler.forEachChild(node, collect);
      };
      collect(source);
    }
  }

  /** The row of a variable in the table of settings. */
  ofVariable(name: string): SourceLocation {
    return this.variables.get(name) ?? { file: SETTINGS };
  }

  /** The row of a path in a route table. */
  ofRoute(path: string): SourceLocation {
    return this.routes.get(path) ?? { file: this.sources };
  }

  private note({ name, initializer }: ts.PropertyAssignment, source: ts.SourceFile): void {
    const line = source.getLineAndCharacterOfPosition(name.getStart(source)).line + 1;
    const place = { file: source.fileName, line };
    if (!('text' in initializer) || typeof initializer.text !== 'string') return;
    const key = name.getText(source);
    if (key === 'variable') this.variables.set(initializer.text, place);
    else if (key === 'path') this.routes.set(initializer.text, place);
  }
}
