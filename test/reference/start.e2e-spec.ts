import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describeWithBuild } from '../support/requirements.js';
import { StartedSystem } from '../support/started-system.js';

const run = promisify(execFile);

describeWithBuild('npm start', () => {
  it('brings up the system, prints curl lines that work, and ends cleanly on Ctrl-C', async () => {
    await using system = await StartedSystem.start();
    const output = await system.printed(/auth\/profile.*\n/);
    const [, address] = /runs at (http:\S+)/.exec(output)!;
    const lines = output.split('\n').filter((line) => /^ {2}(curl|TOKEN=)/.test(line));
    expect(lines).toHaveLength(3);

    const { stdout } = await run('bash', ['-c', lines.join('\n')]);
    const answers = stdout
      .trim()
      .split(/(?<=\})(?=\{)/)
      .map((text) => JSON.parse(text) as { success: boolean; data: any });
    expect(answers).toMatchObject([
      { success: true, data: { user: { username: 'ada' } } },
      { success: true, data: { username: 'ada' } },
    ]);
    expect(output).toContain('JWT_SECRET is a random one');

    const [, demo] = /See it: (http:\S+)/.exec(output)!;
    expect(demo).toBe(`${address}/demo`);
    const page = await fetch(demo!, { headers: { Connection: 'close' } });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html\b/);
    const html = await page.text();
    expect(html).toMatch(/^<!doctype html>[^]*<title>SecureConnect[^]*<\/html>\s*$/);
    // Or a browser asks for /favicon.ico, which is 404.
    expect(html).toMatch(/rel="icon"\s+href="data:image/);

    expect(await system.interrupt()).toBe(0);
    expect(await system.printed(/Everything has ended/)).toContain('the gateway drains');
    await expect(fetch(`${address}/health`)).rejects.toThrow('fetch failed');
  }, 30_000);
});
