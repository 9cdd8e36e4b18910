import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const FILES = ['test/testing/my-gateway.ts', 'test/testing/my-gateway.test.ts'];
const PAGE = 'docs/testing.md';

/** Node marks the processes of its own runner, and starts no run within one. */
const { NODE_TEST_CONTEXT: _context, ...env } = process.env;

describe('the library', () => {
  it('works under the runner of Node, without Jest', async () => {
    const flags = ['--import', './test/support/import-sources.mjs', '--test', '--test-reporter', 'tap'];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, FILES[1]!], { env });

    expect(stdout).toContain('# pass 3');
    expect(stdout).toContain('# fail 0');
  }, 60_000);
});

describe(PAGE, () => {
  it.each(FILES)('has %s as it runs, with the names of the package', async (file) => {
    const source = (await readFile(file, 'utf8'))
      .replaceAll("'@app/gateway'", "'@secureconnect/gateway'")
      .replaceAll("'@app/testing'", "'@secureconnect/gateway/testing'")
      .replaceAll("'./my-gateway.js'", "'./app.module.js'");

    expect(await readFile(PAGE, 'utf8')).toContain(`\`\`\`ts\n${source}\`\`\``);
  });
});
