// Runs each test file by Node's own `import`, so that all files of a process share the modules that they import: linking
// NestJS and the gateway takes longer than most files. Jest by itself links them anew for each file.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import circus from 'jest-circus/runner';
import { importFile, importTypeScript, sourceMaps } from './modules.mjs';

const require = createRequire(import.meta.url);
let count = 0;

/**
 * Jest's `testRunner`. Replaces the three methods of the runtime by which circus loads modules. They are no public
 * interface of Jest, whose version is therefore pinned.
 */
export default async function runFile(globalConfig, config, environment, runtime, path, send) {
  if (++count === 1) importTypeScript(join(config.cacheDirectory, 'modules'));
  globalThis.jest = runtime.jestGlobals.jestObjectFor(path);
  runtime.requireInternalModule = requireAnew;
  runtime.unstable_shouldLoadAsEsm = () => true;
  runtime.unstable_importModule = async (file) => {
    await importFile(file, count, globalConfig.watch || globalConfig.watchAll);
    for (const [url, map] of sourceMaps) runtime.getSourceMaps().set(url, map);
  };
  try {
    return await circus.default(globalConfig, config, environment, runtime, path, send);
  } finally {
    forgetTests();
  }
}

/** Circus keeps the tests of a file in its module. */
function requireAnew(path) {
  delete require.cache[path];
  return require(path);
}

function forgetTests() {
  delete globalThis[Symbol.for('EVENT_HANDLERS')];
  for (const symbol of Object.getOwnPropertySymbols(globalThis))
    if (symbol.description === 'JEST_STATE_SYMBOL') delete globalThis[symbol];
}
