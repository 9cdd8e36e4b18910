// Compares the gateway with other proxies in one run on one machine: `npm run bench -- --help`.
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limitTime } from '../faults/children.mjs';
import { HOST } from '../faults/gateway.mjs';
import { signToken } from '../faults/token.mjs';
import { CommandProcess } from './processes/command-process.mjs';
import { compareWithGoals } from './goals.mjs';
import { checkMachine, commit, describeMachine, versions } from './machine.mjs';
import { readOptions } from './options.mjs';
import { writePage } from './page/page.mjs';
import { installPeers } from './peers/install.mjs';
import { prepareOpenLoop } from './load/open-loop.mjs';
import { profileGateway } from './profile.mjs';
import { estimateSeconds } from './scenarios/estimate.mjs';
import { runScenario } from './scenarios/run-scenario.mjs';
import { printGoals, printScenario } from './report.mjs';
import { isInstalled } from './processes/targets.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Tokens in turn, so that the largest limit, a million requests a minute for each user, refuses no request. */
const USERS = 16;

/** Starts the service and the clients. @returns all that a scenario needs */
async function startBench(options, directory) {
  const backend = new CommandProcess(options.cores.load, path('service/backend.mjs'));
  const ports = await backend.nextResponse();
  const clients = new CommandProcess(options.cores.load, path('load/clients.mjs'));
  await clients.nextResponse();
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

/** Prints how long the run takes, and ends it after three times as long and 5 min: it hangs. */
function limitRun(options) {
  const seconds = estimateSeconds(options);
  console.log(`${options.rounds} rounds: about ${Math.ceil(seconds / 60)} min on two quiet cores`);
  limitTime((5 * 60 + 3 * seconds) * 1_000);
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
    const parts = await runScenario(bench, scenario).catch((cause) => {
      throw new Error(`${scenario.title}: ${cause.message}`, { cause });
    });
    result.scenarios.push(...parts);
    for (const part of parts) printScenario(part);
    // The file stays if the next scenario fails.
    await keep(result, '../../.local');
  }
  printGoals(compareWithGoals(result));
  return result;
}

/** The scenarios or targets that this machine can run. @throws Error if a recording would not have all */
function runnable(all, record) {
  return all.filter(({ key, needs = [] }) => {
    const missing = needs.filter((program) => !isInstalled(program));
    if (missing.length > 0 && record)
      throw new Error(`--record: there is no ${missing.join(' and no ')} here`);
    if (missing.length > 0) console.log(`${key}: left out, there is no ${missing.join(' and no ')} here`);
    return missing.length === 0;
  });
}

/** Numbers with five significant digits. */
function rounded(_name, value) {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}

/** Writes all rounds to a file of a directory. */
async function keep(result, directory) {
  await mkdir(path(directory), { recursive: true });
  await writeFile(join(path(directory), 'performance.json'), `${JSON.stringify(result, rounded, 2)}\n`);
}

const asked = readOptions();
const { record } = asked;
const options = {
  ...asked,
  targets: runnable(asked.targets, record),
  scenarios: runnable(asked.scenarios, record),
};
checkMachine(options);
limitRun(options);
if (!existsSync(path('../../dist/apps/gateway/src/main.js'))) {
  throw new Error('There is no build: run `npm run build` first');
}
installPeers();
const directory = await mkdtemp(join(tmpdir(), 'gateway-bench-'));
process.once('exit', () => rmSync(directory, { recursive: true }));
const bench = await startBench(options, directory);
if (isInstalled('go')) prepareOpenLoop(bench);
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
