// Installs the packages of package-lock.json if they are missing or older than this file. Runs on Node 20 and newer:
// the Node version that all other scripts need is one of the packages.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const installed = `${root}node_modules/.package-lock.json`;
const isFresh =
  existsSync(`${root}node_modules/node/bin/node`) &&
  existsSync(installed) &&
  statSync(installed).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs;

if (!isFresh) {
  console.log('Installing packages (once, about a minute) ...');
  const command = [process.env.npm_execpath ?? 'npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
  if (process.env.npm_execpath) command.unshift(process.execPath);
  const { status } = spawnSync(command[0], command.slice(1), { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error('npm ci failed: the packages of package-lock.json could not be installed.');
    process.exit(1);
  }
}
