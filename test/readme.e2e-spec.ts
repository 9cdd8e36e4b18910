import { entriesOf, TABLE } from '@app/gateway';
import { readFile } from 'node:fs/promises';

interface Package {
  readonly dependencies: Readonly<Record<string, string>>;
}

describe('the README', () => {
  it('has a row for every variable that the gateway reads', async () => {
    const readme = await readFile('README.md', 'utf8');
    const names = entriesOf(TABLE).flatMap(({ row }) => (row.kind === 'setting' ? (row.variable ?? []) : []));

    expect(names.filter((name) => !new RegExp(`^\\|.*\`${name}\``, 'm').test(readme))).toEqual([]);
  });

  it('gives the reason for every production dependency', async () => {
    const readme = await readFile('README.md', 'utf8');
    const { dependencies } = JSON.parse(await readFile('package.json', 'utf8')) as Package;

    expect(
      Object.keys(dependencies).filter(
        (name) => !new RegExp(`^\\|.*\`${name}\`.*\\|.*\\w`, 'm').test(readme),
      ),
    ).toEqual([]);
  });
});
