import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RUN = fileURLToPath(new URL('run.mjs', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Change {
  readonly from: string;
  readonly to: string;
}

interface Mutant extends Change {
  readonly file: string;
  readonly and?: readonly Change[];
}

/** Output and exit code of the simulator. @param cwd where it keeps stories */
function simulate(
  args: readonly string[],
  cwd = tmpdir(),
  env = process.env,
): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', RUN, ...args], {
    cwd,
    env,
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

/** The hash of each play, by its seed and scenario. */
function hashesIn(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^seed (\S+ \w+): ok.* hash (\w+)$/gm)].map(([, play, hash]) => [play!, hash!]),
  );
}

describe('the simulator', () => {
  it('gives a play the same hash in every process, whichever plays came before', () => {
    const alone = hashesIn(simulate(['--seed', '7.2', '--scenario', 'drain']).text);
    const behind = hashesIn(simulate(['--seed', '7', '--scenario', 'drain', '--plays', '2']).text);

    expect(alone.size).toBe(1);
    expect(behind.size).toBe(2);
    expect(behind.get('7.2 drain')).toBe(alone.get('7.2 drain'));
    expect(behind.get('7 drain')).not.toBe(alone.get('7.2 drain'));
  }, 60_000);

  it('names the guarantee that a fault breaks, makes the plan smaller and keeps its story', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'simulation-'));
    try {
      const args = [
        '--seed',
        '1',
        '--scenario',
        'service',
        '--mutant',
        'takes every method for safe',
        '--minutes',
        '1',
      ];
      const { status, text } = simulate(args, folder);

      expect(status).toBe(1);
      expect(text).toMatch(/^ {2}G2 at \d+ ms: (POST|PUT|DELETE) c\d+\.\d+ was written to /m);
      const [, clients] = /smaller: (\d+) clients, /.exec(text)!;
      expect(Number(clients)).toBeLessThan(6);
      const [name] = await readdir(join(folder, '.local/simulation'));
      const story = await readFile(join(folder, '.local/simulation', name!), 'utf8');
      expect(story).toMatch(/^\d+ ms: G2 /);
      expect(story).toMatch(/^\d+ c\d+ connection \d+ to gateway 1 #\d+: dials /m);
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 120_000);

  it('compares the hashes of one seed with the stored ones', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'simulation-'));
    try {
      const path = join(folder, 'hashes.json');
      await writeFile(path, JSON.stringify({ node: process.version, hashes: { limits: 'another' } }));
      const args = ['--seed', '1', '--scenario', 'limits'];

      expect(simulate(args)).toMatchObject({
        status: 0,
        text: expect.stringMatching(/^1 passed, 0 failed$/m),
      });
      const { status, text } = simulate([...args, '--hashes', path]);
      expect(status).toBe(1);
      expect(text).toContain('another hash than the stored one: limits\n');
      expect(text).toContain('if the behaviour was meant to change, run npm run sim -- --update-hashes\n');
      expect(simulate([...args, '--hashes', path, '--update-hashes'])).toMatchObject({ status: 0 });
      expect(simulate([...args, '--hashes', path])).toMatchObject({ status: 0 });
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 120_000);

  it('gives a play the same hash in another folder, time zone, language and heap', () => {
    const args = ['--seed', '1', '--scenario', 'everything'];
    const env = {
      ...process.env,
      TZ: 'Asia/Tokyo',
      LC_ALL: 'tr_TR.UTF-8',
      NODE_OPTIONS: '--max-semi-space-size=2',
    };

    expect(hashesIn(simulate(args, '/', env).text)).toEqual(hashesIn(simulate(args).text));
  }, 60_000);

  it('can plant each fault into the sources as they are', async () => {
    const mutants = (await import(new URL('mutants/mutants.mjs', import.meta.url).href)) as {
      readonly MUTANTS: Record<string, Mutant>;
    };

    const stale: string[] = [];
    for (const [name, { file, from, to, and = [] }] of Object.entries(mutants.MUTANTS)) {
      let text = await readFile(join(ROOT, file), 'utf8').catch(() => '');
      for (const change of [{ from, to }, ...and]) {
        if (text.split(change.from).length !== 2) stale.push(name);
        text = text.replace(change.from, () => change.to);
      }
    }

    expect(stale).toEqual([]);
  });

  it('refuses a scenario that it does not know', () => {
    expect(simulate(['--scenario', 'none'])).toMatchObject({
      status: 1,
      text: expect.stringContaining('--scenario is one of'),
    });
  });
});
