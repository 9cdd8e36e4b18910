import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describeWith } from './requirements.js';

const run = promisify(execFile);

const hasPython = spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0;

export const describeWithPython = describeWith(hasPython);

const ROOM = 'test/openapi';

/** The seed decides which requests are sent. */
const OPTIONS = ['--seed', '1', '--max-examples', '20', '--continue-on-failure', '--no-color'];

/**
 * Runs schemathesis, with its default checks, against the OpenAPI document and the operations of a gateway.
 *
 * @returns its output
 * @throws Error with its output if it has found anything that `schemathesis.toml` does not accept, or has not ended after 200 s
 */
export async function runSchemathesis(url: string): Promise<string> {
  const folder = await installSchemathesis();
  const options = [...OPTIONS, '--generation-database', 'none', `${url}/swagger`];
  const env = {
    ...process.env,
    PYTHONDONTWRITEBYTECODE: '1',
    HYPOTHESIS_STORAGE_DIRECTORY: `${folder}/hypothesis`,
  };
  try {
    const { stdout } = await run(`${folder}/bin/schemathesis`, ['run', ...options], {
      cwd: ROOM,
      env,
      timeout: 200_000,
    });
    return stdout;
  } catch (error) {
    throw new Error((error as { stdout?: string }).stdout, { cause: error });
  }
}

/**
 * Installs the packages of `requirements.txt` into a virtual environment, unless they are there. pip compares every file with
 * its hash.
 *
 * @returns its folder
 */
async function installSchemathesis(): Promise<string> {
  const requirements = `${ROOM}/requirements.txt`;
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const folder = resolve(`.cache/schemathesis-${digest.slice(0, 12)}`);
  const installed = `${folder}/.installed`;
  if (!existsSync(installed)) {
    await run('python3', ['-m', 'venv', '--clear', folder]);
    const options = ['--quiet', '--no-input', '--require-hashes', '--only-binary', ':all:'];
    await run(`${folder}/bin/python`, ['-m', 'pip', 'install', ...options, '-r', requirements]);
    await mkdir(`${folder}/hypothesis`);
    await writeFile(installed, '');
  }
  return folder;
}
