// Makes the npm package of the libraries in dist/package, and its tarball, whose path is the last line of the output.
//
// The sources are copied to dist/package/src/<library>, with the aliases between libraries as relative paths, and compiled to
// dist/package/dist/<library>. So stack traces, declarations and their maps lead to files of the package.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';

const ROOT = 'dist/package';
const ALIAS = /(?<=(?:from|import) '|import\(')@app\/(\w+)(?:\/(\w+))?(?=')/g;
const NOT_OF_THE_PACKAGE = /\.(spec|testing)\.ts$/;

/** Copies the sources of a library, with relative paths for aliases. */
function copySources(library) {
  for (const path of globSync(`libs/${library}/src/**/*.ts`)) {
    if (NOT_OF_THE_PACKAGE.test(path)) continue;
    const target = path.replace(/^libs\/(\w+)\/src\//, '$1/');
    const text = readFileSync(path, 'utf8').replace(ALIAS, (_, other, door = 'index') => {
      const relative = posix.relative(posix.dirname(target), `${other}/${door}.js`);
      return relative.startsWith('.') ? relative : `./${relative}`;
    });
    mkdirSync(dirname(`${ROOT}/src/${target}`), { recursive: true });
    writeFileSync(`${ROOT}/src/${target}`, text);
  }
}

/** Writes the manifest: that of package/, with the version of the repository. */
function writeManifest() {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const { name, ...manifest } = JSON.parse(readFileSync('package/manifest.json', 'utf8'));
  writeFileSync(`${ROOT}/package.json`, `${JSON.stringify({ name, version, ...manifest }, null, 2)}\n`);
  return manifest;
}

/** Writes the modules that `exports` lead to. Each checks the Node version before a library is evaluated. */
function writeEntries(exports) {
  mkdirSync(`${ROOT}/entry`);
  for (const { default: path } of Object.values(exports)) {
    if (!path) continue;
    const lines = [
      `import '../bin/supported-node.cjs';`,
      `export * from '../dist/${posix.basename(path, '.js')}/index.js';`,
    ];
    writeFileSync(`${ROOT}/${path}`, `${lines.join('\n')}\n`);
  }
}

async function run(...command) {
  const [code] = await once(spawn(process.execPath, command, { stdio: 'inherit' }), 'exit');
  if (code !== 0) process.exit(1);
}

/** Packs the folder. @returns the path of the tarball */
function pack() {
  const npm = process.env.npm_execpath;
  const command = npm ? [process.execPath, npm] : ['npm'];
  command.push('pack', '--json', '--ignore-scripts', '--pack-destination', 'dist', `./${ROOT}`);
  const { status, stdout } = spawnSync(command[0], command.slice(1), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) process.exit(1);
  const [packed] = Object.values(JSON.parse(stdout));
  return `dist/${packed.filename}`;
}

rmSync(ROOT, { recursive: true, force: true });
for (const path of globSync('libs/*/src')) copySources(path.split('/')[1]);
await run('node_modules/typescript/bin/tsc', '-p', 'package/tsconfig.json');
const { exports } = writeManifest();
writeEntries(exports);
cpSync('package/bin', `${ROOT}/bin`, { recursive: true });
cpSync('package/README.md', `${ROOT}/README.md`);
for (const path of ['CHANGELOG.md', 'LICENSE', 'templates']) {
  if (existsSync(path)) cpSync(path, `${ROOT}/${path}`, { recursive: true });
}
console.log(pack());
