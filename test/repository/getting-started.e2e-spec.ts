import { access, readFile } from 'node:fs/promises';

const PAGE = 'docs/getting-started.md';

describe(PAGE, () => {
  it('has the line of Jest that the CommonJS application of the tests has', async () => {
    const page = await readFile(PAGE, 'utf8');
    const { scripts } = JSON.parse(await readFile('test/parts/foreign/commonjs/package.json', 'utf8')) as {
      scripts: { test: string };
    };

    expect(page).toContain(`"test": "${scripts.test}"`);
  });

  it('names files that a new project has', async () => {
    const [, section = ''] = (await readFile(PAGE, 'utf8')).split('## What is in it\n');
    const paths = [...section.split('\n## ')[0]!.matchAll(/`([\w./-]+)`(?=[, |].*\|)/g)].map(
      ([, path]) => path!,
    );

    expect(paths.length).toBeGreaterThan(5);
    for (const path of paths) await expect(access(`templates/project/${path}`)).resolves.toBeUndefined();
  });
});
