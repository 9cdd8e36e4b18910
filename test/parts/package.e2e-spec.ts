import { spawnSync } from 'node:child_process';
import { builtinModules } from 'node:module';
import { glob, readFile } from 'node:fs/promises';
import ts from 'typescript';

const ROOT = 'dist/package';

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { readonly types?: string }>>;
}

const readManifest = async (path: string): Promise<Manifest> =>
  JSON.parse(await readFile(path, 'utf8')) as Manifest;

async function readFiles(pattern: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for await (const path of glob(pattern)) files.set(path, await readFile(path, 'utf8'));
  return files;
}

const parse = (path: string, text: string): ts.SourceFile =>
  ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);

/** The packages that files import, without those of Node. */
function importsOf(files: ReadonlyMap<string, string>): string[] {
  const names = new Set<string>();
  for (const [path, text] of files) {
    for (const { fileName } of ts.preProcessFile(text, true, path.endsWith('.js')).importedFiles) {
      const [name] = /^(@[^/]+\/)?[^/]+/.exec(fileName)!;
      if (!fileName.startsWith('.') && !fileName.startsWith('node:')) names.add(name);
    }
  }
  return [...names].filter((name) => !builtinModules.includes(name)).toSorted();
}

/** Whether a module waits outside of functions: it could not be loaded by `require`. */
function hasTopLevelAwait(file: ts.SourceFile): boolean {
  const visit = (node: ts.Node): boolean => {
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) return true;
    if (ts.isFunctionLike(node)) return false;
    return ts.forEachChild(node, (child) => visit(child) || undefined) ?? false;
  };
  return visit(file);
}

/** Runs a program of node_modules. @returns what it wrote, if it failed */
function faultsOf(...command: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  return status === 0 ? '' : stdout + stderr;
}

async function tarball(): Promise<string> {
  return `dist/secureconnect-gateway-${(await readManifest('package.json')).version}.tgz`;
}

describe('the npm package', () => {
  it('is clean for publint', async () => {
    expect(faultsOf('node_modules/publint/src/cli.js', 'run', '--strict', await tarball())).toBe('');
  });

  it('is clean for arethetypeswrong', async () => {
    const rules = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'];
    expect(faultsOf('node_modules/@arethetypeswrong/cli/dist/index.js', await tarball(), ...rules)).toBe('');
  });

  it('depends on the packages that it imports, and on no other', async () => {
    const { dependencies, peerDependencies } = await readManifest(`${ROOT}/package.json`);
    const types = importsOf(await readFiles(`${ROOT}/dist/**/*.d.ts`)).filter((name) => name === 'ws');
    const needed = [
      ...importsOf(await readFiles(`${ROOT}/dist/**/*.js`)),
      ...types.map((name) => `@types/${name}`),
    ];
    // Nest itself needs these, in the one version that the application has; the doctor reads sources if it finds `typescript`.
    const demanded = ['@nestjs/swagger', 'reflect-metadata', 'rxjs', 'typescript'];
    const named = Object.keys({ ...dependencies, ...peerDependencies });

    expect(named.filter((name) => !demanded.includes(name)).toSorted()).toEqual(
      needed.filter((name) => !demanded.includes(name)).toSorted(),
    );
  });

  it('takes the dependencies of the version that the tests run, and newer ones of its major', async () => {
    const { dependencies } = await readManifest(`${ROOT}/package.json`);
    const own = await readManifest('package.json');
    const tested = { ...own.devDependencies, ...own.dependencies };

    for (const [name, range] of Object.entries(dependencies))
      expect([name, range]).toEqual([name, `^${tested[name]}`]);
  });

  it('has no await outside of functions, so that `require` can load it', async () => {
    const files = await readFiles(`${ROOT}/{dist,entry}/**/*.js`);

    expect(files.size).toBeGreaterThan(150);
    expect(
      [...files].filter(([path, text]) => hasTopLevelAwait(parse(path, text))).map(([path]) => path),
    ).toEqual([]);
    expect(hasTopLevelAwait(parse('a.js', 'async () => await 1; for await (const a of b);'))).toBe(true);
  });

  it('has sources for its maps, and neither tests nor aliases', async () => {
    const maps = await readFiles(`${ROOT}/dist/**/*.map`);
    const sources = await readFiles(`${ROOT}/src/**/*.ts`);

    expect(maps.size).toBeGreaterThan(300);
    for (const [path, text] of maps) {
      const [source] = (JSON.parse(text) as { readonly sources: readonly [string] }).sources;
      expect(sources.has(new URL(source, `file:///${path}`).pathname.slice(1))).toBe(true);
    }
    expect([...sources.keys()].filter((path) => /\.(spec|testing)\.ts$/.test(path))).toEqual([]);
    for (const text of (await readFiles(`${ROOT}/dist/**/*.{js,d.ts}`)).values())
      expect(text).not.toMatch(/(from|import) ['"]@app\//);
  });
});

/** The exported names of an entry whose declaration has no docblock. */
function undocumented(program: ts.Program, path: string): string[] {
  const checker = program.getTypeChecker();
  const symbol = checker.getSymbolAtLocation(program.getSourceFile(path)!)!;
  return checker
    .getExportsOfModule(symbol)
    .map((each) => (each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each))
    .filter((each) => each.getDocumentationComment(checker).length === 0)
    .map((each) => `${path.slice(ROOT.length)}: ${each.name}`);
}

const git = (...args: string[]): string => spawnSync('git', args, { encoding: 'utf8' }).stdout.trim();

describe('the public names', () => {
  it('have a docblock each', async () => {
    const { exports } = await readManifest(`${ROOT}/package.json`);
    const paths = Object.values(exports).flatMap(({ types }) => (types ? [`${ROOT}/${types.slice(2)}`] : []));
    const program = ts.createProgram(paths, {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      types: ['node'],
    });

    expect(paths).toHaveLength(4);
    expect(paths.flatMap((path) => undocumented(program, path))).toEqual([]);
  });

  it('change together with CHANGELOG.md', () => {
    if (git('status', '--porcelain', 'docs/api') !== '') {
      expect(git('status', '--porcelain', 'CHANGELOG.md')).not.toBe('');
      return;
    }
    const changed = git('log', '-1', '--format=%H', '--', 'docs/api');
    const noted = git('log', '-1', '--format=%H', '--', 'CHANGELOG.md');
    // The newest line of the changelog is of the same commit, or of a later one.
    const { status } = spawnSync('git', ['merge-base', '--is-ancestor', changed, noted]);

    expect(changed).toMatch(/^[0-9a-f]{40}/);
    expect(status).toBe(0);
  });
});

describe('docs/api', () => {
  it('has the public names of each entry; `npm run docs:api` writes it anew', () => {
    expect(faultsOf('scripts/api-report.mjs')).toBe('');
  });
});
