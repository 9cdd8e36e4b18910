// Sends valid and broken traffic through the gateway from both sides, and looks after each batch whether all still holds.
// Run it after a build: `npm run fuzz -- --minutes 5 --seed 7`. A seed repeats what clients and services do.
import { limitTime } from '../faults/children.mjs';
import { AccessLines } from './access-lines.mjs';
import { Batch } from './batch.mjs';
import { Ids } from './traffic/ids.mjs';
import { options } from './options.mjs';
import { Random } from './random.mjs';
import { Report } from './report.mjs';
import { Rest } from './rest.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { System } from './system.mjs';
import { Transcript } from './transcript.mjs';

/** A batch that hangs is ended with the process. */
const BATCH_MS = 120_000;

/** The batches of a seed play them in turn. */
const NAMES = Object.keys(SCENARIOS);

/** Before the first batch: the gateway is to be seen at rest. */
const CALM = { answers: { valid: 1 } };

const report = new Report();

/** All that the batches of one seed share. */
async function createRun(seed) {
  const run = { seed, random: new Random(seed), ids: new Ids(seed), transcript: new Transcript(), report };
  run.note = (name, text, bytes) => run.transcript.note(name, text, bytes);
  run.scenario = () => SCENARIOS[run.scenarioName] ?? CALM;
  run.system = await System.start({
    ...run,
    report: (what, detail) => report.add(what, detail),
  });
  run.lines = new AccessLines(run.system.gateway.log, run.ids);
  run.rest = new Rest(run.system.gateway);
  await run.rest.begin();
  return run;
}

/** Plays one batch. @returns whether all assertions held */
async function playBatch(run, number) {
  run.scenarioName = options.scenario ?? NAMES[(number - 1) % NAMES.length];
  run.transcript = new Transcript();
  const beganAt = performance.now();
  const batch = new Batch(run, number);
  await batch.play(options.connections);
  await batch.check();
  const findings = report.take();
  const seconds = ((performance.now() - beganAt) / 1_000).toFixed(1);
  const outcome = findings.length === 0 ? 'ok' : 'FAILED';
  console.log(
    `seed ${run.seed} batch ${number} ${run.scenarioName}: ${outcome}, ${seconds} s, heap ${run.rest.heapUsed}`,
  );
  if (findings.length === 0) return true;
  batch.release();
  const path = run.transcript.keep(`seed-${run.seed}-batch-${number}`, findings);
  console.log(findings.join('\n'));
  console.log(`Transcript: ${path}; logs: ${run.system.directory}`);
  const same = options.scenario ? ` --scenario ${options.scenario}` : '';
  const only = options.connections ? ` --connections ${options.connections.join()}` : '';
  console.log(`Again: npm run fuzz -- --seed ${run.seed} --from ${number} --batches 1${same}${only}`);
  return false;
}

/** Plays batches of a seed until its time is over, or until one fails. */
async function playSeed(seed, until) {
  console.log(`seed ${seed}`);
  let run = await createRun(seed);
  let isClean = true;
  for (let number = options.from; number < options.from + options.batches; number++) {
    if (performance.now() >= until) break;
    const holds = await playBatch(run, number);
    if (holds) continue;
    isClean = false;
    if (!options.keepsGoing) break;
    await run.system.end(true);
    run = await createRun(seed);
  }
  await run.system.end(!isClean);
  return isClean;
}

const shareMs = (options.minutes * 60_000) / options.seeds.length;
if (Number.isFinite(shareMs)) limitTime(options.minutes * 60_000 + BATCH_MS);
for (const seed of options.seeds) {
  const isClean = await playSeed(seed, performance.now() + shareMs);
  if (!isClean && !options.keepsGoing) break;
}
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exit(report.failed === 0 ? 0 : 1);
