// Plays seeds of the simulator, and looks for an order of events that breaks a guarantee (docs/guarantees.md):
// `npm run sim -- --seed 4711`, `--minutes 30`, `--scenario drain`, `--plays 10`. The same seed gives the same hash.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { StoredHashes } from './hashes.mjs';
import { options } from './options.mjs';
import { createPlan } from './plan.mjs';
import { play, prepare } from './play.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { Change } from './mutants/change.mjs';
import { shrink } from './shrink.mjs';

/** Milliseconds of real time: the globals have virtual time. */
const realNow = () => Number(process.hrtime.bigint() / 1_000_000n);
const endsAt = options.minutes === undefined ? Infinity : realNow() + options.minutes * 60_000;

/** Where the story of a failure is kept. */
const FOLDER = '.local/simulation';

const change = options.mutant === undefined ? undefined : new Change(options.mutant);
await prepare(change?.apply);
if (change && !change.isPlanted) throw new Error('the fault was not planted');
const all = createHash('sha256');
const hashes = new StoredHashes(options.hashes);
const totals = { plays: 0, requests: 0, events: 0 };
let failed = 0;
for (let number = 1; number <= options.plays && goesOn(); number++) {
  for (const name of options.scenarios) {
    // The first of a seed is the seed's own, so that one that failed can be played alone.
    const seed = number === 1 ? options.seed : `${options.seed}.${number}`;
    if (!(await playOne(seed, name))) failed++;
    if (!goesOn()) break;
  }
}
console.log(
  `${totals.plays} plays, ${totals.requests} requests, ${totals.events} events, hash ${all.digest('hex')}`,
);
if (options.updatesHashes && failed === 0) hashes.write();
if (hashes.changed.length > 0) {
  console.log(`another hash than the stored one: ${hashes.changed.join(', ')}`);
  console.log('if the behaviour was meant to change, run npm run sim -- --update-hashes');
  failed += hashes.changed.length;
}
console.log(`${totals.plays - failed} passed, ${failed} failed`);
// What was printed must be out: a pipe may be slow.
await new Promise((resolve) => {
  process.stdout.write('', resolve);
});
process.exit(failed > 0 ? 1 : 0);

function goesOn() {
  return realNow() < endsAt && (failed === 0 || options.keepsGoing);
}

async function playOne(seed, name) {
  const scenario = SCENARIOS[name];
  const plan = createPlan(seed, name);
  const { violations, hash, requests, events, lines, realMs } = await play(plan, scenario);
  all.update(hash);
  if (!change) hashes.compare({ seed, scenario: name, hash });
  totals.plays++;
  totals.requests += requests;
  totals.events += events;
  if (options.trace) console.log(lines.join('\n'));
  if (options.minutes === undefined || violations.length > 0) {
    const outcome = violations.length === 0 ? 'ok' : 'FAILED';
    console.log(
      `seed ${seed} ${name}: ${outcome}, ${requests} requests, ${Math.round(realMs)} ms, hash ${hash.slice(0, 16)}`,
    );
  }
  if (violations.length === 0) return true;
  for (const { guarantee, text, at } of violations.slice(0, 10))
    console.log(`  ${guarantee} at ${at} ms: ${text}`);
  if (options.story) await tell(plan, { seed, name, guarantee: violations[0].guarantee });
  return false;
}

/** Makes a failing plan smaller, and keeps its story. */
async function tell(plan, { seed, name, guarantee }) {
  const scenario = SCENARIOS[name];
  const smallest = await shrink(plan, async (smaller) => {
    const { violations } = await play(smaller, scenario);
    return violations.some((each) => each.guarantee === guarantee);
  });
  const { violations, lines } = await play(smallest, scenario);
  mkdirSync(FOLDER, { recursive: true });
  const path = `${FOLDER}/${name}-${seed}.txt`;
  const found = violations.map(({ text, at }) => `${at} ms: ${guarantee} ${text}`);
  writeFileSync(path, [...found, '', ...lines, '', JSON.stringify(smallest, undefined, 2), ''].join('\n'));
  const { clients, relays, events } = smallest;
  console.log(
    `  smaller: ${clients.length} clients, ${relays.length} sockets, ${events.length} events; its story: ${path}`,
  );
  console.log(`  again: npm run sim -- --seed ${seed} --scenario ${name}`);
}
