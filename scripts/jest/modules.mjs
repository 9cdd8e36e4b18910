// Lets Node import the repository's TypeScript: the modules of `apps`, `libs`, `sample` and `test`, as they are named in the sources.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const ROOT = new URL('../../', import.meta.url);
/** Of the URL of a module all of whose imports are loaded anew. */
const ANEW = '?anew';
/** Modules that each test file has for itself; those of the product are shared by all files of a process. */
const TEST_CODE = /^test\/|^(?:apps|libs)\/\w+\/test\/|\.spec\.ts$/;
const LIBRARY = /^@app\/(auth|doctor|gateway|proxy|testing)(?:\/(internal))?$/;
/** The package, as the samples import it. */
const PACKAGE = /^@secureconnect\/gateway(?:\/(\w+))?$/;

/** SWC emits the decorator metadata that Nest's injector reads. */
const OPTIONS = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2023',
    keepClassNames: true,
  },
  module: { type: 'es6' },
  sourceMaps: true,
};
const VERSION = JSON.stringify([1, OPTIONS, require('@swc/core/package.json').version]);

/** Where the source map of each module lies that was imported so far, by the module's URL. */
export const sourceMaps = new Map();

/**
 * @param folder where compiled modules are kept from one run to the next
 * @param change may change the text of a source, by its path from the root. Default: changes nothing
 */
export function importTypeScript(folder, change = (_path, source) => source) {
  mkdirSync(folder, { recursive: true });
  registerHooks({
    resolve: (specifier, context, next) => next(sourceOf(specifier, context.parentURL) ?? specifier, context),
    load(url, context, next) {
      if (!isSource(url)) return next(url, context);
      return { format: 'module', source: compile(url, folder, change), shortCircuit: true };
    },
  });
}

const isSource = (url) => url.startsWith(ROOT.href) && /\.ts(?:\?|$)/.test(url);

/** The URL of the source that the import of a source names. */
function sourceOf(specifier, parent) {
  if (!parent || !isSource(parent)) return undefined;
  const url = urlOf(specifier, parent);
  if (!url || !existsSync(url)) return undefined;
  const { search } = new URL(parent);
  return search.startsWith(ANEW) || TEST_CODE.test(url.href.slice(ROOT.href.length))
    ? url.href + search
    : url.href;
}

function urlOf(specifier, parent) {
  const published = PACKAGE.exec(specifier);
  if (published) return new URL(`libs/${published[1] ?? 'gateway'}/src/index.ts`, ROOT);
  const [, library, door = 'index'] = LIBRARY.exec(specifier) ?? [];
  if (library) return new URL(`libs/${library}/src/${door}.ts`, ROOT);
  return /^\.{1,2}\/.*\.js$/.test(specifier) ? new URL(specifier.replace(/js$/, 'ts'), parent) : undefined;
}

function compile(url, folder, change) {
  const path = fileURLToPath(url);
  const source = change(relative(fileURLToPath(ROOT), path), readFileSync(path, 'utf8'));
  const key = createHash('sha256').update(VERSION).update(path).update(source).digest('hex');
  const [compiled, map] = ['mjs', 'map'].map((ending) => join(folder, `${key}.${ending}`));
  sourceMaps.set(url, map);
  if (existsSync(compiled)) return readFileSync(compiled, 'utf8');
  const output = require('@swc/core').transformSync(source, { ...OPTIONS, filename: path });
  const code = `${output.code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(output.map).toString('base64')}`;
  write(map, output.map);
  write(compiled, code);
  return code;
}

/** Whole or not at all: workers compile side by side. */
function write(path, text) {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

/**
 * Imports a test file with helpers of its own.
 *
 * @param count of the files that this process has imported
 * @param anew whether it gets product modules of its own too: somebody may have changed them
 */
export async function importFile(path, count, anew) {
  await import(`${pathToFileURL(path).href}${anew ? ANEW : '?'}${count}`);
}
