import { glob, readdir, readFile } from 'node:fs/promises';

/** The names in the first column of the tables of a page. */
async function namesIn(page: string): Promise<string[]> {
  return [...(await readFile(page, 'utf8')).matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name!);
}

describe('every test', () => {
  it('lies in a room that the page of the tests names', async () => {
    const rooms = new Set<string>();
    for await (const path of glob('test/**/*.e2e-spec.ts')) rooms.add(path.split('/').slice(1, -1).join('/'));

    expect([...rooms, 'support'].toSorted()).toEqual((await namesIn('test/README.md')).toSorted());
  });
});

describe('every helper', () => {
  it('is on the page of the helpers', async () => {
    const helpers = (await readdir('test/support')).filter((name) => !name.endsWith('.md'));

    expect((await namesIn('test/support/README.md')).toSorted()).toEqual(helpers.toSorted());
  });
});
