// Builds the programs that tests start, in parallel, unless the source files are unchanged since the last build.
// `npm test` and similar scripts use this; `npm run build` always builds.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** Each project of nest-cli.json with a file of its build. */
const PROJECTS = {
  gateway: 'dist/apps/gateway/src/main.js',
  reference: 'dist/apps/reference/src/main.js',
  cli: 'dist/libs/cli/src/main.js',
};
const INPUTS = ['{apps,libs}/**/*.{ts,json,html}', 'nest-cli.json', 'package-lock.json', 'tsconfig.json'];
const STAMP = 'dist/.built';

/** A digest of the source files' names, sizes and times. It changes when a file is added, changed or removed. */
function digestOfInputs() {
  const digest = createHash('sha256');
  for (const path of globSync(INPUTS).toSorted()) {
    const { size, mtimeMs } = statSync(path);
    digest.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return digest.digest('hex');
}

const isBuilt = Object.values(PROJECTS).every((file) => existsSync(file));
const digest = digestOfInputs();
if (!isBuilt || !existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== digest) {
  rmSync(STAMP, { force: true });
  const codes = await Promise.all(
    Object.keys(PROJECTS).map(async (name) => {
      const nest = ['node_modules/@nestjs/cli/bin/nest.js', 'build', name];
      const [code] = await once(spawn(process.execPath, nest, { stdio: 'inherit' }), 'exit');
      return code;
    }),
  );
  if (codes.some((code) => code !== 0)) process.exit(1);
  writeFileSync(STAMP, digest);
}
