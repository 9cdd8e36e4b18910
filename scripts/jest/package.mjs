// Makes the npm package once for all tests that install it. GATEWAY_TARBALL is its path.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

export default function makePackage() {
  const { status, stdout } = spawnSync('npm', ['run', '--silent', 'package'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error('npm run package failed');
  process.env.GATEWAY_TARBALL = resolve(stdout.trim().split('\n').at(-1));
}
