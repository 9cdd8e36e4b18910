// Whether the gateway keeps what it should give back: memory and open files over a long time under a constant load, part
// of it from clients that leave in the middle. Run it after a build: `npm run soak -- --minutes 10`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { limitTime } from './children.mjs';
import { isFailed } from './figures.mjs';
import { RudeClients } from './rude-clients.mjs';
import { System } from './system.mjs';

const MIB = 1_024 ** 2;
const POLITE_CLIENTS = 8;
const RUDE_CLIENTS = 8;
const SAMPLES = 40;
/** Of each half, in which memory may still find its level. */
const SETTLING_SHARE = 0.2;
const MOST_GROWTH = 1.15;
const MOST_GROWTH_BYTES = 20 * MIB;
/** Longer than the gateway keeps an unused connection to a service, or lets a client linger. */
const REST_MS = 8_000;
/** Such as the connection of a health check. */
const MORE_FILES = 4;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const halfMs = Number(values.minutes) * 30_000;
if (!(halfMs > 0)) throw new Error('--minutes takes a number');
limitTime(halfMs * 2 + 90_000);

const median = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];
const mib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;

const directory = await mkdtemp(join(tmpdir(), 'gateway-soak-'));
const system = await System.start({
  directory,
  clients: POLITE_CLIENTS,
  count: 2,
  // Access lines of ten minutes tell nothing here.
  env: { LOG_LEVEL: 'warn' },
});
const { gateway } = system;
const loads = [system.load];
let polite = { requests: 0, failed: 0 };
let rude = 0;

/** Ends the load and waits until nothing of it can be left. @returns the files that are open then */
async function rest() {
  await Promise.all(loads.splice(0).map((load) => load.stop()));
  await delay(REST_MS);
  return gateway.openFiles();
}

/** One half under load. @returns the memory and files it stood at, and the files that were open after a rest */
async function half() {
  const load = system.load;
  const leavers = new RudeClients(gateway.port, RUDE_CLIENTS);
  loads.push(load, leavers);
  const everyMs = halfMs / SAMPLES;
  const [memory, files] = [[], []];
  for (let sample = 1; sample <= SAMPLES; sample++) {
    await delay(everyMs);
    if (!gateway.isAlive) throw new Error(`the gateway ended with ${gateway.end}: ${gateway.stderr}`);
    // Records are for short runs.
    const done = load.records.filter(({ endedAt }) => endedAt !== undefined);
    polite = {
      requests: polite.requests + done.length,
      failed: polite.failed + done.filter(isFailed).length,
    };
    load.records = load.records.filter(({ endedAt }) => endedAt === undefined);
    if (sample <= SAMPLES * SETTLING_SHARE) continue;
    memory.push(await gateway.memory('VmRSS'));
    files.push(await gateway.openFiles());
    if (sample % (SAMPLES / 4) === 0) {
      console.log(
        `${((sample * everyMs) / 60_000).toFixed(1)} min of this half: ${mib(memory.at(-1))}, ${files.at(-1)} files`,
      );
    }
  }
  const atRest = await rest();
  for (const count of Object.values(leavers.counts)) rude += count;
  const figures = { memory: median(memory), files: median(files), atRest };
  console.log(`median ${mib(figures.memory)}, ${figures.files} files under load, ${atRest} at rest`);
  return figures;
}

const first = await half();
system.again(POLITE_CLIENTS);
const second = await half();
const { stderr } = gateway;
await system.end();

const asserts = [
  ['memory is flat', second.memory <= first.memory * MOST_GROWTH + MOST_GROWTH_BYTES],
  ['open files under load are flat', second.files <= first.files * MOST_GROWTH + MORE_FILES],
  ['open files at rest are the same', Math.abs(second.atRest - first.atRest) <= MORE_FILES],
  ['no warning of listeners', !stderr.includes('MaxListenersExceededWarning')],
  ['no word on stderr', stderr === ''],
  ['those who stayed lost nothing', polite.requests > 0 && polite.failed === 0],
];
console.log(
  `${polite.requests} requests of those who stayed, ${polite.failed} failed; ${rude} left in the middle`,
);
for (const [name, holds] of asserts) if (!holds) console.log(`FAILED ${name}`);
if (stderr !== '') console.log(stderr.slice(0, 2_000));
const failed = asserts.filter(([, holds]) => !holds).length;
if (failed === 0) await rm(directory, { recursive: true });
else console.log(`Logs are in ${directory}`);
console.log(`${asserts.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
