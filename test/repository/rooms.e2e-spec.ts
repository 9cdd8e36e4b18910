import { glob, readdir, readFile } from 'node:fs/promises';

/** The names in the first column of the tables of a page. */
async function namesIn(page: string): Promise<string[]> {
  return [...(await readFile(page, 'utf8')).matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name!);
}

/** Folders of programs that are no Jest tests. */
const PROGRAMS = ['bench', 'faults', 'fuzz', 'stack'];

describe('every test', () => {
  it('lies in a room', async () => {
    for await (const path of glob('test/**/*.e2e-spec.ts')) expect(path.split('/')).toHaveLength(3);
  });
});

describe('every room', () => {
  it('is on the page of the tests', async () => {
    const entries = await readdir('test', { withFileTypes: true });
    const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);

    expect([...(await namesIn('test/README.md')), ...PROGRAMS].toSorted()).toEqual(rooms.toSorted());
  });
});

describe('every helper', () => {
  it('is on the page of the helpers', async () => {
    const helpers = (await readdir('test/support')).filter((name) => !name.endsWith('.md'));

    expect((await namesIn('test/support/README.md')).toSorted()).toEqual(helpers.toSorted());
  });
});
