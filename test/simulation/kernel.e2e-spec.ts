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
    import { currentProcess } from '${KERNEL}process.mjs';
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

/** The orders in which a reader sees what another end sends, each once, over connections of one network. */
function ordersOf(actions: string): Set<string> {
  return new Set(
    inVirtualTime(`
      const network = new Network({ clock, random: new Random(1), trace: new Trace(clock) });
      for (let number = 0; number < 100; number++) {
        const seen = [];
        const accept = (socket) => {
          socket.on('error', () => {});
          const { reader, writer } = { reader: client, writer: socket };
          ${actions}
        };
        const address = '10.1.1.' + number + ':80';
        network.listen(address, { isListening: true, accept });
        const client = network.connect({ host: '10.1.1.' + number, port: 80, allowHalfOpen: true });
        client
          .on('data', (bytes) => seen.push(String(bytes)))
          .on('end', () => seen.push('end'))
          .on('error', ({ code }) => seen.push(code));
        await clock.run(clock.time + 500);
        print(seen.join(' ').replace(/^[x ]+/, 'x '));
      }`),
  );
}

describe('the simulated network', () => {
  it('lets a reset follow the bytes before it, or overtake them', () => {
    expect(ordersOf(`writer.write('a'); writer.resetAndDestroy();`)).toEqual(
      new Set(['a ECONNRESET', 'ECONNRESET']),
    );
  });

  it('lets a reset follow bytes that are not read yet, or take them away', () => {
    const orders = ordersOf(
      `reader.pause(); setTimeout(() => reader.resume(), 200);
       writer.write('x'.repeat(120_000)); setTimeout(() => writer.resetAndDestroy(), 100);`,
    );

    expect(orders).toEqual(new Set(['x ECONNRESET', 'ECONNRESET']));
  });

  it('splits and joins what is under way', () => {
    const orders = ordersOf(`writer.write('ab'); setTimeout(() => writer.end('cd'), 1);`);

    expect(orders).toEqual(
      new Set([
        'ab cd end',
        'a b cd end',
        'ab c d end',
        'a b c d end',
        'abcd end',
        'a bcd end',
        'abc d end',
        'a bc d end',
      ]),
    );
  });
});

describe('simulated processes', () => {
  it('keep their timers, promises and sockets, whoever sends to them', () => {
    const lines = inVirtualTime(`
      const network = new Network({ clock, random: new Random(1), trace: new Trace(clock) });
      const say = (what) => print(what + ' in ' + currentProcess.getStore()?.name);
      const server = { name: 'server' };
      const accept = (socket) => {
        say('accepts');
        socket.on('data', async () => {
          await undefined;
          say('reads');
          socket.end('response', () => say('has written'));
        });
      };
      network.listen('10.1.1.1:80', { isListening: true, process: server, accept });
      currentProcess.run({ name: 'client' }, () => {
        setTimeout(() => {
          say('a timer');
          const socket = network.connect({ host: '10.1.1.1', port: 80 });
          socket.on('connect', () => socket.write('request')).on('data', () => say('gets it'));
        }, 5);
      });
      await clock.run(1_000);
      say('the test');`);

    expect(lines).toEqual([
      'a timer in client',
      'accepts in server',
      'reads in server',
      'has written in server',
      'gets it in client',
      'the test in undefined',
    ]);
  });
});
