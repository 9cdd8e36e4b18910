import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { COMMAND, gateway, gatewayJson, ProjectFolder } from '../support/command-line.js';
import { describeWithBuild } from '../support/requirements.js';

const describeWithTemplate = existsSync('templates/project') ? describeWithBuild : describe.skip;

const STAYS = 'setInterval(() => {}, 1000);\nexport {};\n';

describeWithBuild('gateway new', () => {
  it.each(['../shop', 'Shop', '-shop', 'shop-', 'a b', '.', 'a'.repeat(64), '__proto__'])(
    'exits with 2 at the name %j, and writes nothing',
    async (name) => {
      await using project = await ProjectFolder.create();

      const { status, stderr } = gateway(['new', '--', name], { folder: project.path });
      expect([status, stderr]).toEqual([2, expect.stringContaining('is no name for a project')]);
      expect(await readdir(project.path)).toEqual(['package.json']);
    },
  );
});

describeWithTemplate('gateway new, with the template', () => {
  it('writes a project without a placeholder', async () => {
    await using project = await ProjectFolder.create();
    const options = { folder: project.path };
    const { files } = gatewayJson<{ files: string[] }>(['new', 'shop', '--gateway', 'file:g.tgz'], options);

    expect(files).toEqual(expect.arrayContaining(['package.json', '.gitignore', 'src/main.ts']));
    for (const file of files) {
      expect(await readFile(join(project.path, 'shop', file), 'utf8')).not.toMatch(/__[A-Z]+__/);
    }
    const manifest = await readFile(join(project.path, 'shop/package.json'), 'utf8');
    expect(JSON.parse(manifest)).toMatchObject({ name: 'shop' });
    expect(manifest).toContain('"file:g.tgz"');
  });

  it('overwrites nothing', async () => {
    await using project = await ProjectFolder.create();
    await mkdir(join(project.path, 'shop'));

    const { status, stderr } = gateway(['new', 'shop'], { folder: project.path });
    expect([status, stderr]).toEqual([2, expect.stringMatching(/shop cannot be written: it exists, .+\n$/)]);
    expect(await readdir(join(project.path, 'shop'))).toEqual([]);
  });
});

describeWithBuild('gateway dev', () => {
  it('runs the project again at each change, and ends at SIGTERM', async () => {
    await using project = await ProjectFolder.create({
      'tsconfig.json':
        '{ "compilerOptions": { "module": "nodenext", "rootDir": "src", "outDir": "dist", "types": [] }, "include": ["src"] }',
      'src/main.ts': `// @ts-ignore\nconsole.log('first');\n// @ts-ignore\n${STAYS}`,
    });
    await symlink(resolve('node_modules'), join(project.path, 'node_modules'));
    const child = spawn(process.execPath, [COMMAND, 'dev'], {
      cwd: project.path,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');

    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'first') {
        await writeFile(
          join(project.path, 'src/main.ts'),
          `// @ts-ignore\nconsole.log('second');\n// @ts-ignore\n${STAYS}`,
        );
      }
      if (line === 'second') child.kill('SIGTERM');
    }
    expect(await exited).toEqual([0, null]);
  }, 60_000);

  it('exits with 2 without a compiler', async () => {
    await using project = await ProjectFolder.create();

    const { status, stderr } = gateway(['dev'], { folder: project.path });
    expect([status, stderr]).toEqual([2, expect.stringContaining('run `npm install`')]);
  });
});
