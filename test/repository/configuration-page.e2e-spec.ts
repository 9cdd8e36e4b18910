import { readFile } from 'node:fs/promises';
import { configurationPage, entriesOf, settingsSchema, TABLE } from '@app/gateway/internal';

/** Formatting apart. */
const wordsOf = (text: string): string[] => text.split(/\s+/);

describe('the page of settings', () => {
  it('is as the table makes it; `npm run docs:configuration` writes it anew', async () => {
    expect(wordsOf(await readFile('docs/configuration.md', 'utf8'))).toEqual(wordsOf(configurationPage()));
  });

  it('has a JSON schema as the table makes it', async () => {
    expect(JSON.parse(await readFile('docs/configuration.schema.json', 'utf8'))).toEqual(settingsSchema());
  });
});

describe('docs/upgrading.md', () => {
  it('has every former variable with the new name', async () => {
    const page = await readFile('docs/upgrading.md', 'utf8');
    const formerNames = entriesOf(TABLE).flatMap(({ row }) =>
      row.kind === 'setting' && row.former !== undefined ? [[row.former, row.variable]] : [],
    );

    expect(formerNames.length).toBeGreaterThan(30);
    const rows = [...page.matchAll(/^\| `([A-Z\d_]+)` +\| `([A-Z\d_]+)` +\|$/gm)].map(([, former, name]) => [
      former,
      name,
    ]);
    expect(new Set(rows)).toEqual(new Set(formerNames));
  });
});
