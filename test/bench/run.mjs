// Compares the gateway with other proxies in one run on one machine: `npm run bench -- --help`.
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limitTime } from '../faults/children.mjs';
import { HOST } from '../faults/gateway.mjs';
import { signToken } from '../faults/token.mjs';
import { Conversation } from './conversation.mjs';
import { compareWithGoals } from './goals.mjs';
import { checkMachine, commit, describeMachine, versions } from './machine.mjs';
import { readOptions } from './options.mjs';
import { writePage } from './page.mjs';
import { installPeers } from './peers/install.mjs';
import { profileGateway } from './profile.mjs';
import { Proxy } from './proxy.mjs';
import { printGoals, printScenario } from './report.mjs';
import { isInstalled } from './targets.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

const WARM_UP_SECONDS = 5;
/** So many that the largest limit there is, a million requests a minute, refuses none of them. */
const USERS = 16;

/** A service, clients and targets, as processes of this machine. */
async function startBench(options, directory) {
  const backend = new Conversation(options.cores.load, path('backend.mjs'));
  const ports = await backend.next();
  const clients = new Conversation(options.cores.load, path('load/clients.mjs'));
  await clients.next();
  return {
    ...options,
    directory,
    backend,
    clients,
    services: { http: `http://${HOST}:${ports.http}`, websocket: `http://${HOST}:${ports.websocket}` },
    generator: isInstalled('wrk') ? 'wrk' : 'autocannon',
    mark: randomUUID(),
    users: Array.from({ length: USERS }, () => `Bearer ${signToken()}`),
  };
}

function startProxy(bench, scenario, target) {
  const { cores, directory, services } = bench;
  const where = { core: cores.proxy, directory, service: services[scenario.speaks] };
  return Proxy.start(target, { ...where, probe: scenario.isFresh });
}

/** Milliseconds after which something is wrong, with room for machines that are slow. */
function mostMs({ scenarios, targets, rounds, seconds }) {
  const timed = scenarios.length * targets.length * (rounds * (seconds + 4) + WARM_UP_SECONDS);
  return (5 * 60 + 2 * timed) * 1_000;
}

/** All targets run side by side; each is measured alone, A B C A B C, so that what the machine does meanwhile hits all. */
async function play(bench, scenario) {
  const targets = bench.targets.filter(({ speaks }) => speaks.includes(scenario.speaks));
  const results = targets.map(({ key, title }) => ({ key, title, rounds: [] }));
  const proxies = [];
  for (const target of targets) {
    const proxy = await startProxy(bench, scenario, target);
    await scenario.validate(bench, proxy);
    if (scenario.isFresh) await proxy.end();
    else proxies.push(proxy);
  }
  for (const proxy of proxies) await scenario.round(bench, proxy, WARM_UP_SECONDS);
  for (let round = 0; round < bench.rounds; round++) {
    for (const turn of results.keys()) {
      // Nobody is always the first, or the one behind the heaviest.
      const index = (turn + round) % results.length;
      const result = results[index];
      const proxy = proxies[index] ?? (await startProxy(bench, scenario, targets[index]));
      result.rounds.push(await scenario.round(bench, proxy, bench.seconds));
      result.peakBytes = Math.max(result.peakBytes ?? 0, await proxy.memory('VmHWM'));
      await truncate(join(bench.directory, `${targets[index].key}.stdout`));
      if (scenario.isFresh) await proxy.end();
    }
  }
  for (const proxy of proxies) await proxy.end();
  return { key: scenario.key, title: scenario.title, unit: scenario.unit, targets: results };
}

async function compare(bench) {
  const { rounds, seconds, generator } = bench;
  const result = {
    date: new Date().toISOString(),
    commit: commit(),
    machine: describeMachine(),
    versions: versions(generator),
    rounds,
    seconds,
    users: USERS,
    scenarios: [],
  };
  for (const scenario of bench.scenarios) {
    const played = await play(bench, scenario).catch((cause) => {
      throw new Error(`${scenario.title}: ${cause.message}`, { cause });
    });
    result.scenarios.push(played);
    printScenario(played);
    // What was measured stays, whatever becomes of the next.
    await keep(result, '../../.local');
  }
  printGoals(compareWithGoals(result));
  return result;
}

/** Those that this machine can run. */
function installed(targets) {
  return targets.filter(({ key, needs }) => {
    const isThere = needs === undefined || isInstalled(needs);
    if (!isThere) console.log(`${key}: left out, there is no ${needs} here`);
    return isThere;
  });
}

/** All rounds, as a file of a directory. */
async function keep(result, directory) {
  await mkdir(path(directory), { recursive: true });
  await writeFile(join(path(directory), 'performance.json'), `${JSON.stringify(result, null, 2)}\n`);
}

const options = readOptions();
limitTime(mostMs(options));
checkMachine(options);
if (!existsSync(path('../../dist/apps/gateway/src/main.js'))) {
  throw new Error('There is no build: run `npm run build` first');
}
installPeers();
const directory = await mkdtemp(join(tmpdir(), 'gateway-bench-'));
process.once('exit', () => rmSync(directory, { recursive: true }));
const bench = await startBench({ ...options, targets: installed(options.targets) }, directory);
for (const target of bench.targets) target.prepare?.(bench);
if (options.profile) await profileGateway(bench);
else {
  const result = await compare(bench);
  if (options.record) {
    await keep(result, '../../docs');
    await writePage();
  }
  console.log(`\nAll rounds are in ${options.record ? 'docs' : '.local'}/performance.json`);
}
process.exit();
