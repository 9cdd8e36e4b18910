import * as gateway from '@app/gateway';
import * as testing from '@app/testing';
import { readFile } from 'node:fs/promises';

const PAGE = 'docs/replace-parts.md';

async function namesIn(pattern: RegExp): Promise<string[]> {
  const page = await readFile(PAGE, 'utf8');
  return [...new Set([...page.matchAll(pattern)].map(([, name]) => name!))].toSorted();
}

describe(PAGE, () => {
  it('has a row and an example of each part, all of which the package exports', async () => {
    const rows = await namesIn(/^\| `(\w+)`/gm);

    expect(rows).toEqual(['ErrorResponder', 'LoadBalancer', 'RateLimitStore', 'RevocationSource']);
    expect(await namesIn(/^export class \w+ extends (\w+) \{$/gm)).toEqual(rows);
    expect(rows.filter((name) => !(name in gateway))).toEqual([]);
  });

  it('names every kit', async () => {
    const kits = Object.keys(testing).filter((name) => name.endsWith('Kit'));

    expect(await namesIn(/`(\w+Kit)`/g)).toEqual(kits.toSorted());
  });
});
