// Node loads this file into a target if the bench needs more than the kernel knows: it makes the process collect its garbage,
// and records a CPU profile. Needs --expose-gc.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

/** Microseconds between two samples. */
const SAMPLING_US = 200;

const session = new Session();

const collect = () => globalThis.gc({ flavor: 'last-resort' });

const COMMANDS = {
  async collect() {
    collect();
    await new Promise(setImmediate);
    collect();
  },
  async profile() {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_US });
    await session.post('Profiler.start');
  },
  async keep({ file }) {
    const { profile } = await session.post('Profiler.stop');
    writeFileSync(file, JSON.stringify(profile));
  },
};

process.on('message', ({ command, ...parameters }) => {
  COMMANDS[command](parameters).then(() => process.send('done'));
});
