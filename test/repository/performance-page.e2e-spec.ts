import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const RESULT = 'docs/performance.json';
const FILES = ['performance.md', 'performance.svg', 'performance-tails.svg', 'performance-growth.svg'];

interface Result {
  readonly scenarios: readonly { readonly title: string; readonly targets: readonly { title: string }[] }[];
}

describe('the page of the performance', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'performance-page-'));
    await copyFile(RESULT, join(directory, 'performance.json'));
    await promisify(execFile)(process.execPath, ['test/bench/page/page.mjs', directory]);
  });

  afterAll(() => rm(directory, { recursive: true }));

  it.each(FILES)('has every figure and title: %s', async (file) => {
    expect(await readFile(join(directory, file), 'utf8')).not.toMatch(/undefined|NaN|null/);
  });

  it('has all scenarios and targets that were measured', async () => {
    const { scenarios } = JSON.parse(await readFile(RESULT, 'utf8')) as Result;
    const page = await readFile(join(directory, 'performance.md'), 'utf8');

    for (const { title, targets } of scenarios) {
      expect(page).toContain(`### ${title}\n`);
      for (const target of targets) expect(page).toContain(target.title);
    }
    expect(page).toMatch(/\| 1 KB GET, 50 connections, CPU, this gateway, .*, compared with Go .* met/);
  });
});
