import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatewaySpec } from './package-origin.js';
import { packageVersion } from './package-root.js';

describe('what a new project names as the gateway', () => {
  let folder: string;
  let root: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'package-origin-'));
    root = join(folder, 'npx/node_modules/@secureconnect/gateway');
    await mkdir(root, { recursive: true });
  });

  afterEach(() => rm(folder, { recursive: true }));

  const install = (resolved: string): Promise<void> =>
    writeFile(
      join(folder, 'npx/node_modules/.package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/@secureconnect/gateway': { resolved } } }),
    );

  it('is the file that npm has installed it from', async () => {
    await install('file:../gateway.tgz');

    expect(gatewaySpec(root)).toBe(`file:${join(folder, 'gateway.tgz')}`);
  });

  it('is its version if it comes from a registry', async () => {
    await install('https://registry.example.com/gateway.tgz');

    expect(gatewaySpec(root)).toBe(`^${packageVersion()}`);
  });

  it('is its version if npm has not installed it', () => {
    expect(gatewaySpec(root)).toBe(`^${packageVersion()}`);
  });
});
