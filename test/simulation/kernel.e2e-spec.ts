import { spawnSync } from 'node:child_process';

const KERNEL = new URL('kernel/', import.meta.url).href;

/** What a program prints, in a process of its own: the kernel replaces globals. @param body gets `clock`, and calls `print` */
function inVirtualTime(body: string): string[] {
  const program = `
    import { readFile } from 'node:fs/promises';
    import { pbkdf2 } from 'node:crypto';
    import { Random } from '${new URL('../fuzz/random.mjs', import.meta.url).href}';
    import { Clock } from '${KERNEL}clock.mjs';
    import { Network } from '${KERNEL}network.mjs';
    import { Trace } from '${KERNEL}trace.mjs';
    const clock = new Clock();
    clock.install();
    const printed = [];
    const print = (text) => printed.push(text);
    ${body}
    process.stdout.write(printed.join('\\n'));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  );
  if (stderr) throw new Error(stderr);
  return stdout.split('\n');
}

describe('virtual time', () => {
  it('stands still while work of the thread pool runs', () => {
    const lines = inVirtualTime(`
      setTimeout(() => {
        void readFile(${JSON.stringify(process.execPath)}).then(() => print('a file at ' + clock.time));
        pbkdf2('a', 'b', 100_000, 64, 'sha512', () => print('a key at ' + clock.time));
      }, 10);
      setTimeout(() => print('a timer at ' + clock.time), 11);
      await clock.run(100);`);

    expect(lines.slice(0, 2).toSorted()).toEqual(['a file at 10', 'a key at 10']);
    expect(lines[2]).toBe('a timer at 11');
  });
});
