import { Proxy } from '../processes/proxy.mjs';

const WARM_UP_SECONDS = 3;
/** Of each process, if there is one for each step. */
const STEP_WARM_UP_SECONDS = 1;

/**
 * All targets run side by side; each is measured alone, A B C A B C, so that what the machine does meanwhile hits all.
 * @returns the figures of each part of the scenario: one, if it has no plan
 */
export async function play(bench, scenario) {
  const context = await scenario.setUp?.(bench, scenario.steps);
  const contenders = contendersOf(bench, scenario);
  for (const contender of contenders) await start(bench, scenario, contender, context);
  const parts = await plan(bench, scenario, contenders, context);
  const results = parts.map(() => contenders.map(resultOf));
  const seconds = bench.seconds * (scenario.shareOfSeconds ?? 1);
  for (let round = 0; round < bench.rounds; round++) {
    for (const [index, part] of parts.entries()) {
      for (const turn of contenders.keys()) {
        // Nobody is always the first, or the one behind the heaviest.
        const at = (turn + round) % contenders.length;
        const where = { step: contenders[at].step, context };
        const play = (proxy) =>
          playRound(results[index][at], proxy, () => part.round(bench, proxy, seconds, where));
        if (scenario.isFresh) await withProxy(bench, scenario, contenders[at].target, play);
        else await play(contenders[at].proxy);
      }
    }
  }
  for (const { proxy, prepared } of contenders) {
    await prepared?.end();
    await proxy?.end();
  }
  context?.end?.();
  return parts.map(({ key, title, unit, about }, index) => ({
    key,
    title,
    unit,
    ...about,
    targets: results[index],
  }));
}

/** Those that a scenario is for, once for each of its steps. */
function contendersOf({ targets }, { speaks, of, steps = [undefined], variants = {}, label }) {
  const chosen = targets.filter((target) => (of ? of.includes(target.key) : target.speaks.includes(speaks)));
  return steps.flatMap((step) =>
    chosen.map((target) => ({
      target: variants[target.key]?.(target) ?? target,
      ...(step !== undefined && { step, label: label(step) }),
    })),
  );
}

function resultOf({ target: { key, title }, step, label }) {
  return step === undefined ? { key, title, rounds: [] } : { key, title, step, label, rounds: [] };
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
  const seconds = scenario.steps ? STEP_WARM_UP_SECONDS : WARM_UP_SECONDS;
  for (const { proxy, step } of contenders) {
    if (scenario.steps) await proxy.rests();
    await scenario.round(bench, proxy, seconds, { step, context });
  }
  return [scenario];
}

async function playRound(result, proxy, round) {
  result.rounds.push(await round());
  result.peakBytes = Math.max(result.peakBytes ?? 0, await proxy.memory('VmHWM'));
  await proxy.clearOutput();
}

function startProxy({ cores, directory, services }, { speaks, isFresh }, target, env) {
  return Proxy.start(target, {
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
