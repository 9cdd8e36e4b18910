import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const PEERS = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');

/** Installs the packages of the peers' own lock file if they are missing or older than it. */
export function installPeers() {
  const installed = `${PEERS}/node_modules/.package-lock.json`;
  const { mtimeMs } = statSync(`${PEERS}/package-lock.json`);
  if (existsSync(installed) && statSync(installed).mtimeMs >= mtimeMs) return;
  console.log('Installing the packages of the peers (once) ...');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: PEERS,
    stdio: 'inherit',
  });
}
