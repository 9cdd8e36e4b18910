import { appendFile, cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithBuild } from '../support/requirements.js';
import { StartedSystem } from '../support/started-system.js';

/** The longest that compiling everything and a restart may take on a busy machine. */
const LIMIT_MS = 120_000;

const COPIED = [
  'apps',
  'libs',
  'scripts',
  'dist/apps/reference',
  'nest-cli.json',
  'package.json',
  'tsconfig.json',
];

/** The repository without its packages, which are linked, so that a file of it can be changed. */
async function copyRepository(): Promise<AsyncDisposable & { readonly root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'gateway-dev-'));
  for (const path of COPIED) await cp(path, join(root, path), { recursive: true });
  await symlink(join(process.cwd(), 'node_modules'), join(root, 'node_modules'));
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
}

describeWithBuild('npm run dev', () => {
  it(
    'restarts the gateway with a file that changed, and prints log lines for people',
    async () => {
      await using copy = await copyRepository();
      await using system = await StartedSystem.start(copy.root, '--watch');
      await system.printed(/runs at http:.*\n[^]*auth\/profile.*\n/);

      await appendFile(join(copy.root, 'apps/gateway/src/main.ts'), "\nconsole.log('changed');\n");
      const output = await system.printed(/changed\n[^]*INFO: listening.*api-gateway/);

      expect(output).toMatch(/INFO: drain complete[^]*changed\n/);
      expect(output).not.toContain('"message":"listening"');
      const port = /"port":(\d+)/.exec(output.slice(output.lastIndexOf('listening')))![1];
      expect(await system.interrupt()).toBe(0);
      await system.printed(/Everything has ended/);
      await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow('fetch failed');
    },
    LIMIT_MS,
  );
});
