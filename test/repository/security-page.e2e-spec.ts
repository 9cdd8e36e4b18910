import { entriesOf, TABLE } from '@app/gateway/internal';
import { access, readFile } from 'node:fs/promises';

describe('docs/security.md', () => {
  it('has a test in every row, and each exists', async () => {
    const rows = (await readFile('docs/security.md', 'utf8'))
      .split('\n')
      .filter((line) => /^\| (?!threat |-)/.test(line));
    expect(rows.length).toBeGreaterThan(20);

    for (const row of rows) {
      const tests = [...row.matchAll(/`([^`]+spec\.ts)`/g)].map(([, path]) => path!);
      expect(tests).not.toEqual([]);
      await Promise.all(tests.map((path) => access(path)));
    }
  });

  it('names no variable that the gateway does not read', async () => {
    const page = await readFile('docs/security.md', 'utf8');
    const names = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, name]) => name!);

    const known = entriesOf(TABLE).map(({ row }) => row.variable);

    expect(names).not.toEqual([]);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });
});
