import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Compose } from './compose.mjs';

const BASE_IMAGE = 'secureconnect-test/base:latest';
const SECRET = 'a secret of a test, long enough to sign with';
const PRODUCTS =
  "fetch('http://127.0.0.1:8080/products').then(async (it) => console.log(it.status, await it.text()))";

/** Fills in a file of the template, as `gateway new shop` does. */
function fillIn(path) {
  const names = { __NAME__: 'shop', __VERSION__: '0.0.0' };
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replaceAll(/__(?:NAME|VERSION)__/g, (name) => names[name]),
  );
}

/** The template as a project that is built. */
function makeProject(folder) {
  cpSync('templates/project', folder, { recursive: true });
  for (const name of readdirSync(folder, { recursive: true })) {
    if (statSync(join(folder, name)).isFile()) fillIn(join(folder, name));
  }
  // Types are checked where the package is installed.
  const args = [
    'node_modules/typescript/bin/tsc',
    '-p',
    folder,
    '--noCheck',
    '--typeRoots',
    'node_modules/@types',
  ];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout);
  mkdirSync(join(folder, 'secrets'));
  writeFileSync(join(folder, 'secrets/jwt_secret'), SECRET);
}

/**
 * Builds the image of a new project on the base image, and runs its gateway and its service with Redis.
 *
 * @param network the network of builds, if it is another than Docker's
 * @throws Error if the gateway does not respond with what the service says
 */
export async function runProjectOnBase(network) {
  const folder = mkdtempSync(join(tmpdir(), 'secureconnect-project-'));
  const compose = new Compose({
    COMPOSE_FILE: join(folder, 'docker-compose.yml'),
    COMPOSE_PROJECT_NAME: 'secureconnect-test-project',
    BASE_IMAGE,
  });
  try {
    makeProject(folder);
    const options = network ? ['--network', network] : [];
    await compose.call('docker', 'build', ...options, '--target', 'base', '-t', BASE_IMAGE, '.');
    await compose.run('build', 'gateway-1');
    await compose.run('up', '-d', '--no-build', 'gateway-1', 'orders');
    await compose.healthy();
    const response = await compose.run('exec', '-T', 'gateway-1', 'node', '-e', PRODUCTS);
    if (!response.startsWith('200 [{')) throw new Error(`the gateway responded: ${response}`);
    return response.trim();
  } finally {
    await compose.run('down', '-v', '--remove-orphans').finally(() => rmSync(folder, { recursive: true }));
  }
}
