import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { LogPipe } from '../../../../test/support/log-pipe.js';
import { describeWithBuild } from '../../../../test/support/requirements.js';
import { LineOutput } from './line-output.js';

const MODULE = join(import.meta.dirname, '../../../../dist/libs/gateway/src/observability/line-output.js');

/** Output of a process that runs a script. */
function printedBy(script: string): string {
  const whole = `import { LineOutput } from ${JSON.stringify(MODULE)}; ${script}`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', whole], { encoding: 'utf8' }).stdout;
}

describe('the output of lines', () => {
  let directory: string;
  let descriptor: number;
  const written = (): string => readFileSync(join(directory, 'lines'), 'utf8');
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lines-'));
    descriptor = openSync(join(directory, 'lines'), 'w');
  });
  afterEach(() => {
    closeSync(descriptor);
    rmSync(directory, { recursive: true });
  });

  it('writes the lines of one turn at its end, in order', async () => {
    const output = new LineOutput(descriptor);

    for (const line of ['one\n', 'two\n', 'drei: µ\n']) output.write(line);

    expect(written()).toBe('');
    await turn();
    expect(written()).toBe('one\ntwo\ndrei: µ\n');
  });

  it('writes before the end of a turn that has many lines', () => {
    const output = new LineOutput(descriptor);
    const line = `${'x'.repeat(1_023)}\n`;

    for (let each = 0; each < 100; each++) output.write(line);

    expect(written()).toBe(line.repeat(64));
  });

  it('drops whole lines past a mebibyte, counts them, and tells of them once half of it has left', async () => {
    await using pipe = LogPipe.make();
    const output = new LineOutput(openSync(pipe.path, 'w'));
    const told: number[] = [];
    output.onRoom = (dropped) => {
      told.push(dropped);
      output.write(`${dropped} dropped\n`);
    };
    const lines = Array.from({ length: 20_000 }, (_, n) => `${n} ${'x'.repeat(100)}`);

    for (const [n, line] of lines.entries()) {
      output.write(`${line}\n`);
      if (n % 100 === 99) await turn();
    }
    const { dropped } = output;
    await pipe.readUntil((line) => line.endsWith('dropped'));

    const kept = lines.slice(0, lines.length - dropped);
    expect(dropped).toBeGreaterThan(0);
    expect(kept.join().length).toBeGreaterThan(1024 * 1024 - 1_000);
    expect(kept.join().length).toBeLessThan(1024 * 1024 + 64 * 1024 + 1_000);
    expect(pipe.lines).toEqual([...kept, `${dropped} dropped`]);
    expect([told, output.dropped]).toEqual([[dropped], dropped]);
  });

  it('shares a pipe with another writer: no line is cut', async () => {
    await using pipe = LogPipe.make();
    const [one, other] = [1, 2].map(() => new LineOutput(openSync(pipe.path, 'w')));
    const lines = Array.from({ length: 100 }, (_, n) => `${n} ${'x'.repeat(1_000)}`);

    // The pipe is full with less than this, and the other writes as soon as there is room.
    for (const line of lines) one!.write(`${line}\n`);
    await pipe.readUntil((line) => line === lines[60]);
    for (const line of lines) other!.write(`other ${line}\n`);
    await pipe.readUntil((line) => line === lines.at(-1));
    await pipe.readUntil((line) => line === `other ${lines.at(-1)}`);

    const others = lines.map((line) => `other ${line}`);
    expect(pipe.lines.toSorted()).toEqual([...lines, ...others].toSorted());
  });

  it('writes only whole lines to a slow reader, and keeps no more than a mebibyte for it', async () => {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    const [slow] = (await accepted) as [Socket];
    const output = new LineOutput(
      (socket as unknown as { readonly _handle: { readonly fd: number } })._handle.fd,
    );
    const lines = Array.from({ length: 100_000 }, (_, n) => `${n} ${'x'.repeat(100)}\n`);

    for (const [n, line] of lines.entries()) {
      output.write(line);
      if (n % 100 === 99) await turn();
    }
    let received = '';
    slow
      .setEncoding('utf8')
      .on('data', (text: string) => (received += text))
      .resume();
    // Once there is room again, the next line comes after all lines that waited.
    while (!received.endsWith('last\n')) {
      if (!received.includes('last')) output.write('last\n');
      await turn();
    }

    const got = received.split('\n').slice(0, -1);
    expect(got.length).toBeLessThan(lines.length);
    const known = new Set(lines);
    expect(got.filter((line) => line !== 'last' && !known.has(`${line}\n`))).toEqual([]);
    const numbers = got.filter((line) => line !== 'last').map((line) => Number(line.split(' ', 1)[0]));
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    socket.destroy();
    server.close();
  });
});

describeWithBuild('the output of lines of a process', () => {
  it.each([
    ['an exit', 'process.exit(1)'],
    ['an exception that nobody caught', 'throw new Error("fatal")'],
    ['SIGKILL in the turn that follows', "setImmediate(() => process.kill(process.pid, 'SIGKILL'))"],
  ])('has written the last line before %s', (_what, end) => {
    expect(printedBy(`new LineOutput(1).write('the last line\\n'); ${end}`)).toBe('the last line\n');
  });

  it('waits at its exit for a reader that is late', async () => {
    const script = `
      import { LineOutput } from ${JSON.stringify(MODULE)};
      process.on('exit', () => process.send('exiting'));
      const output = new LineOutput(1);
      for (let n = 0; n < 10_000; n++) output.write(n + ' ' + 'x'.repeat(90) + '\\n');
      process.exit();`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const closed = once(child, 'close');
    await once(child, 'message');

    let printed = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (printed += text));
    await closed;

    expect(printed.split('\n').filter((line) => line.length > 90)).toHaveLength(10_000);
  });

  it('does not wait at its exit for a reader that never reads', async () => {
    const script = `
      import { LineOutput } from ${JSON.stringify(MODULE)};
      const output = new LineOutput(1);
      for (let n = 0; n < 10_000; n++) output.write('x'.repeat(99) + '\\n');
      process.exit(3);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });

    expect(await once(child, 'exit')).toEqual([3, null]);
    child.stdout.destroy();
  });

  it('loses what cannot be written, and the process goes on', () => {
    const script = `
      import { openSync } from 'node:fs';
      new LineOutput(openSync('/dev/full', 'w')).write('lost\\n');
      setImmediate(() => setImmediate(() => console.log('goes on')));`;

    expect(printedBy(script)).toBe('goes on\n');
  });
});
