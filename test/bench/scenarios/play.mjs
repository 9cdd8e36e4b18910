import { isForGoal } from '../page/goals.mjs';
import { TargetProcess } from '../processes/target-process.mjs';

export const WARM_UP_SECONDS = 2;
/** What no goal needs has one round in so many. */
const ROUNDS_FOR_ONE = 4;

/**
 * All targets run side by side; each is measured alone, A B C A B C, so that what the machine does meanwhile hits all.
 * @returns the figures of each part of the scenario: one, if it has no plan; none, if it is for none of the targets
 */
export async function play(bench, scenario) {
  const contenders = contendersOf(bench, scenario);
  if (contenders.length === 0) return [];
  const context = await scenario.setUp?.(bench, scenario.steps);
  for (const contender of contenders) await start(bench, scenario, contender, context);
  const parts = await plan(bench, scenario, contenders, context);
  const results = parts.map(({ key, title, unit, about }) => {
    const targets = contenders.map(({ target, step }) => resultOf(scenario, target, step));
    return { key, title, unit, ...about, targets };
  });
  for (let round = 0; round < bench.rounds; round++) {
    for (const [index, part] of parts.entries()) {
      for (const turn of contenders.keys()) {
        // Nobody is always the first, or the one behind the heaviest.
        const at = (turn + round) % contenders.length;
        if (!isPlayed(part.key, contenders[at], round)) continue;
        await playRound(bench, { scenario, part, context }, contenders[at], results[index].targets[at]);
      }
    }
  }
  for (const { proxy, prepared } of contenders) {
    await prepared?.end();
    await proxy?.end();
  }
  context?.end?.();
  return results;
}

/** Whether a target has a turn in this round. */
export function isPlayed(key, { target, step }, round) {
  return round % ROUNDS_FOR_ONE === 0 || isForGoal(key, target.key, step);
}

/** Those that a scenario is for, once for each of its steps. */
export function contendersOf({ targets }, { speaks, of, steps = [undefined], variants = {} }) {
  const chosen = targets.filter((target) => (of ? of.includes(target.key) : target.speaks.includes(speaks)));
  return steps.flatMap((step) =>
    chosen.map((target) => ({ target: variants[target.key]?.(target) ?? target, step })),
  );
}

function resultOf({ label }, { key, title }, step) {
  const stepped = step === undefined ? {} : { step, label: label(step) };
  return { key, title, ...stepped, rounds: [] };
}

async function start(bench, scenario, contender, context) {
  const { target, step } = contender;
  if (scenario.isFresh) {
    await withProxy(bench, scenario, target, (proxy) => scenario.validate(bench, proxy));
    return;
  }
  contender.proxy = await startProxy(bench, scenario, target, scenario.env?.(step, bench, context));
  await scenario.validate(bench, contender.proxy, step);
  contender.prepared = await scenario.prepare?.(bench, contender.proxy, step);
}

/** The parts that are played, after a warm-up of all. */
async function plan(bench, scenario, contenders, context) {
  if (scenario.isFresh) return [scenario];
  if (scenario.plan)
    return scenario.plan(
      bench,
      contenders.map(({ proxy }) => proxy),
    );
  for (const { proxy, step } of contenders) {
    if (scenario.steps) await proxy.waitUntilIdle();
    await scenario.round(bench, proxy, WARM_UP_SECONDS, { step, context });
  }
  return [scenario];
}

async function playRound(bench, { scenario, part, context }, { target, step, proxy }, result) {
  const seconds = bench.seconds * (scenario.shareOfSeconds ?? 1);
  const measure = async (measured) => {
    result.rounds.push(await part.round(bench, measured, seconds, { step, context }));
    // Parts share a process, and its peak would be that of the heaviest; steps have their memory of each round.
    if (!scenario.plan && !scenario.steps)
      result.peakBytes = Math.max(result.peakBytes ?? 0, await measured.memory('VmHWM'));
    await measured.clearOutput();
  };
  if (scenario.isFresh) await withProxy(bench, scenario, target, measure);
  else await measure(proxy);
}

function startProxy({ cores, directory, services }, { speaks, isFresh }, target, env) {
  return TargetProcess.start(target, {
    core: cores.proxy,
    directory,
    service: services[speaks],
    env,
    probe: isFresh,
  });
}

async function withProxy(bench, scenario, target, use) {
  const proxy = await startProxy(bench, scenario, target);
  await use(proxy);
  await proxy.end();
}
