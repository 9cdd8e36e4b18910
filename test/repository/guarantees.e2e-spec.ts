import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';

const PAGE = 'docs/guarantees.md';

const readPage = (): Promise<string> => readFile(PAGE, 'utf8');

describe(PAGE, () => {
  it('names tests that exist, for each guarantee', async () => {
    const sections = (await readPage()).split(/^## /m).filter((section) => /^G\d+\./.test(section));

    expect(sections.map((section) => section.split('.')[0])).toEqual(
      Array.from({ length: 12 }, (_, index) => `G${index + 1}`),
    );
    for (const section of sections) {
      const tests = [...section.matchAll(/`((?:apps|libs|test)\/[\w./-]+\.ts)`/g)].map(([, path]) => path!);
      expect(tests.length).toBeGreaterThan(0);
      expect(tests.filter((path) => !existsSync(path))).toEqual([]);
    }
  });

  it('has every guarantee that the simulator checks or a mutant breaks', async () => {
    const page = await readPage();
    const named = new Set<string>();
    for await (const path of glob('test/simulation/**/*.mjs')) {
      for (const [, name] of (await readFile(path, 'utf8')).matchAll(/'(G\d+)'/g)) named.add(name!);
    }

    expect(named.size).toBe(12);
    for (const name of named) expect(page).toContain(`## ${name}.`);
  });
});
