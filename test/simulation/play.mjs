import { Clock } from './kernel/clock.mjs';
import { Network } from './kernel/network.mjs';
import { currentProcess } from './kernel/process.mjs';
import { Trace } from './kernel/trace.mjs';
import { Random } from '../fuzz/random.mjs';

/** Node's own, before the globals are replaced. */
const realNow = performance.now.bind(performance);

const clock = new Clock();
clock.install();
const current = { random: new Random(0), dial: undefined };
const simulation = {
  get random() {
    return currentProcess.getStore()?.random ?? current.random;
  },
  dial: (options) => current.dial(options),
};
const { CACHE, importProduct } = await import('./product.mjs');
const { World } = await import('./world.mjs');
const { createPlan } = await import('./plan.mjs');
const { SCENARIOS } = await import('./scenarios.mjs');

/** Longer than any play, in milliseconds of virtual time: plays begin at multiples of it. */
const PLAY_MS = 1_000_000;

let product;

/**
 * Imports the product; once in a process. The plays must find it as it is later: Nest and others import modules of theirs, and
 * V8 and Node fill caches, when they are first used. So one play goes before them.
 */
export async function prepare(change) {
  product = await importProduct(CACHE, simulation, change);
  const { everything } = SCENARIOS;
  await play(createPlan('before', 'everything'), everything);
}

/**
 * Plays a plan.
 * @returns `{ violations, hash, events, virtualMs, realMs, requests, lines }`
 */
export async function play(plan, scenario) {
  const begunAt = realNow();
  // At the beginning of a second, and of whatever else the product counts by.
  clock.time = Math.ceil(clock.time / PLAY_MS) * PLAY_MS;
  clock.dateOffset = 0;
  const startsAt = clock.time;
  const random = new Random(`play ${plan.seed}`);
  const trace = new Trace(clock);
  const network = new Network({ clock, random: random.fork('network'), trace });
  current.random = random.fork('product');
  current.dial = (options) => network.connect(options);
  const world = new World({ clock, random, trace, network, product }, plan, scenario);
  const violations = await world.play();
  return {
    violations,
    hash: trace.digest(),
    events: trace.events,
    lines: trace.lines,
    requests: world.ledger.requests.size,
    virtualMs: clock.time - startsAt,
    realMs: realNow() - begunAt,
    world,
  };
}
