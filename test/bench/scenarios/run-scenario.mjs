import { isForGoal } from '../goals.mjs';
import { TargetProcess } from '../processes/target-process.mjs';

export const WARM_UP_SECONDS = 2;
/** Figures that no goal needs have one round in so many. */
const ROUNDS_FOR_ONE = 4;

/**
 * A target in a scenario, at one of its steps if it has steps.
 *
 * @typedef TargetRun
 * @property {object} target of TARGETS, or a variant of one
 * @property {number} [step]
 * @property {TargetProcess} [proxy] unless each round has a process of its own
 * @property {{ end: () => Promise<void> }} [prepared] by the scenario's `prepare`
 */

/**
 * Runs all targets side by side. Each is measured alone, A B C A B C, so that other load of the machine hits all of them.
 *
 * @returns the figures of each part: one part, if the scenario has no plan; none, if it is for none of the targets
 */
export async function runScenario(bench, scenario) {
  const runs = createTargetRuns(bench, scenario);
  if (runs.length === 0) return [];
  const context = await scenario.setUp?.(bench, scenario.steps);
  for (const run of runs) await start(bench, scenario, run, context);
  const parts = await prepareParts(bench, scenario, runs, context);
  const results = parts.map(({ key, title, unit, labels }) => {
    const targets = runs.map(({ target, step }) => createResult(scenario, target, step));
    return { key, title, unit, ...labels, targets };
  });
  for (let round = 0; round < bench.rounds; round++) {
    for (const [index, part] of parts.entries()) {
      for (const turn of runs.keys()) {
        // In each round another target is first, and another one comes after the heaviest.
        const at = (turn + round) % runs.length;
        if (!hasTurn(part.key, runs[at], round)) continue;
        await runRound(bench, { scenario, part, context }, runs[at], results[index].targets[at]);
      }
    }
  }
  for (const { proxy, prepared } of runs) {
    await prepared?.end();
    await proxy?.end();
  }
  context?.end?.();
  return results;
}

/** Whether a target has a turn in this round. */
export function hasTurn(key, { target, step }, round) {
  return round % ROUNDS_FOR_ONE === 0 || isForGoal(key, target.key, step);
}

/** The targets of a scenario, once for each of its steps. @returns {TargetRun[]} */
export function createTargetRuns(bench, { protocol, targets: keys, steps = [undefined], variants = {} }) {
  const targets = bench.targets.filter(({ key, protocols }) =>
    keys ? keys.includes(key) : protocols.includes(protocol),
  );
  return steps.flatMap((step) =>
    targets.map((target) => ({ target: variants[target.key]?.(target) ?? target, step })),
  );
}

function createResult({ formatStep }, { key, title }, step) {
  const ofStep = step === undefined ? {} : { step, label: formatStep(step) };
  return { key, title, ...ofStep, rounds: [] };
}

async function start(bench, scenario, run, context) {
  const { target, step } = run;
  if (scenario.isFresh) {
    await withTarget(bench, scenario, target, (proxy) => scenario.validate(bench, proxy));
    return;
  }
  run.proxy = await startTarget(bench, scenario, target, scenario.env?.(step, bench, context));
  await scenario.validate(bench, run.proxy, step);
  run.prepared = await scenario.prepare?.(bench, run.proxy, step);
}

/** Warms all targets up. @returns the parts of the scenario */
async function prepareParts(bench, scenario, runs, context) {
  if (scenario.isFresh) return [scenario];
  if (scenario.plan)
    return scenario.plan(
      bench,
      runs.map(({ proxy }) => proxy),
    );
  for (const { proxy, step } of runs) {
    if (scenario.steps) await proxy.waitUntilIdle();
    await scenario.round(bench, proxy, WARM_UP_SECONDS, { step, context });
  }
  return [scenario];
}

async function runRound(bench, { scenario, part, context }, { target, step, proxy }, result) {
  const seconds = bench.seconds * (scenario.shareOfSeconds ?? 1);
  const measure = async (measured) => {
    result.rounds.push(await part.round(bench, measured, seconds, { step, context }));
    // Parts share a process, and its peak would be that of the heaviest; steps have their memory of each round.
    if (!scenario.plan && !scenario.steps)
      result.peakBytes = Math.max(result.peakBytes ?? 0, await measured.memory('VmHWM'));
    await measured.clearOutput();
  };
  if (scenario.isFresh) await tryTwice(result, () => withTarget(bench, scenario, target, measure));
  else await measure(proxy);
}

/** Repeats a turn that failed once, in a process of its own. The repetition is printed and counted in the result. */
async function tryTwice(result, turn) {
  try {
    await turn();
  } catch (error) {
    console.log(`${result.title}: a turn failed and is repeated: ${error.message}`);
    result.repeatedTurns = (result.repeatedTurns ?? 0) + 1;
    await turn();
  }
}

function startTarget({ cores, directory, services }, { protocol, isFresh }, target, env) {
  return TargetProcess.start(target, {
    core: cores.proxy,
    directory,
    service: services[protocol],
    env,
    probe: isFresh,
  });
}

async function withTarget(bench, scenario, target, use) {
  const proxy = await startTarget(bench, scenario, target);
  try {
    await use(proxy);
  } finally {
    await proxy.end();
  }
}
