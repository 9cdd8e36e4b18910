import { entriesOf, TABLE } from '@app/gateway/internal';
import { readFile } from 'node:fs/promises';

interface Package {
  readonly dependencies: Readonly<Record<string, string>>;
}

describe('the README', () => {
  it('names no variable in its table of settings that the gateway does not read', async () => {
    const readme = await readFile('README.md', 'utf8');
    const names = [
      ...readme
        .split(/^## /m)
        .find((part) => part.startsWith('Configuration'))!
        .matchAll(/^\| `([A-Z_]+)`/gm),
    ].map(([, name]) => name!);
    const known = entriesOf(TABLE).map(({ row }) => row.variable);

    expect(names).toContain('JWT_SECRET');
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
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
