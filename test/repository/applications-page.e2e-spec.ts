import { readdir, readFile } from 'node:fs/promises';

describe('docs/applications.md', () => {
  it('names every test of an application, and no other', async () => {
    const page = await readFile('docs/applications.md', 'utf8');
    const named = new Set([...page.matchAll(/`([a-z0-9-]+\.e2e-spec\.ts)`/g)].map(([, name]) => name!));

    expect([...named].toSorted()).toEqual((await readdir('test/applications')).toSorted());
  });

  it('names a test, or that there is none, in every row', async () => {
    const page = await readFile('docs/applications.md', 'utf8');
    const rows = page.split('\n').filter((line) => /^\| (?!application |protocol |-)/.test(line));

    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter((row) => !/(e2e-spec\.ts`|not tested here) +\|$/.test(row))).toEqual([]);
  });
});
