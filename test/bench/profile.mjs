import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TargetProcess } from './processes/target-process.mjs';
import { SCENARIOS } from './scenarios/scenarios.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WARM_UP_SECONDS = 4;
const MOST_GROUPS = 30;
const FUNCTIONS_OF_GROUP = 3;

/** Prints the CPU time of the first target by function, under the load of the first scenario. */
export async function profileGateway(bench) {
  const [target] = bench.targets;
  const scenario = bench.scenarios.find(({ plan, steps }) => !plan && !steps) ?? SCENARIOS[0];
  const directory = join(ROOT, '.local');
  const file = join(directory, `${target.key}-${scenario.key}.cpuprofile`);
  await mkdir(directory, { recursive: true });
  const { cores, services } = bench;
  const proxy = await TargetProcess.start(target, {
    core: cores.proxy,
    directory: bench.directory,
    service: services[scenario.protocol],
    probe: true,
  });
  await scenario.validate(bench, proxy);
  await scenario.round(bench, proxy, WARM_UP_SECONDS);
  await proxy.runCommand('profile');
  const { perSecond, cpuUs } = await scenario.round(bench, proxy, bench.seconds);
  await proxy.runCommand('keep', { file });
  await proxy.end();
  console.log(
    `${target.title}, ${scenario.title}: ${perSecond.toFixed(0)} ${scenario.unit}s/s, ${cpuUs.toFixed(1)} µs each`,
  );
  print(groupsOf(JSON.parse(await readFile(file, 'utf8'))));
  console.log(`\n${file}`);
}

/** Self time by package, or by file of the gateway's own code, without the idle time. */
function groupsOf({ nodes, samples, timeDeltas }) {
  const selfUs = new Map(nodes.map(({ id }) => [id, 0]));
  for (const [index, id] of samples.entries()) selfUs.set(id, selfUs.get(id) + timeDeltas[index]);
  const groups = new Map();
  let allUs = 0;
  for (const { id, callFrame } of nodes) {
    const us = selfUs.get(id);
    if (us === 0 || callFrame.functionName === '(idle)') continue;
    allUs += us;
    const name = groupOf(callFrame);
    const group = groups.get(name) ?? { us: 0, functions: new Map() };
    groups.set(name, group);
    group.us += us;
    const label = callFrame.functionName || `anonymous:${callFrame.lineNumber + 1}`;
    group.functions.set(label, (group.functions.get(label) ?? 0) + us);
  }
  return { allUs, groups };
}

function groupOf({ url, functionName }) {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native code';
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  return dependency ?? url.replace(/^file:\/\//, '').replace(join(ROOT, 'dist/'), '');
}

function print({ allUs, groups }) {
  const share = (us) => `${((us / allUs) * 100).toFixed(1)} %`;
  const byTime = (entries, timeOf) =>
    [...entries].toSorted(([, one], [, other]) => timeOf(other) - timeOf(one));
  for (const [name, { us, functions }] of byTime(groups, (group) => group.us).slice(0, MOST_GROUPS)) {
    const most = byTime(functions, (own) => own).slice(0, FUNCTIONS_OF_GROUP);
    const listed = most.map(([label, own]) => `${label} ${share(own)}`).join(', ');
    console.log(`${share(us).padStart(8)}  ${name.padEnd(60)} ${listed}`);
  }
}
