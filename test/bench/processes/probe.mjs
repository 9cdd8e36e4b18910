// Loaded into a target that runs on Node, where the bench must know more than the kernel does: has it collect its garbage,
// and records where its CPU time goes. Needs --expose-gc.
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

process.on('message', ({ command, ...what }) => {
  COMMANDS[command](what).then(() => process.send('done'));
});
