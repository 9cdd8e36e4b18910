import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { join } from 'node:path';
import { signToken } from '../../faults/token.mjs';
import { runOpenLoop } from '../load/open-loop.mjs';
import { CommandProcess } from '../processes/command-process.mjs';
import { manyRoutes } from '../processes/targets.mjs';
import { PATHS } from '../service/bodies.mjs';
import { HOSTS } from '../service/hosts.mjs';
import { startRevocations } from '../service/revocations.mjs';
import { timed } from './timed.mjs';
import { validateRequest } from './validate.mjs';

export const GROWTH_CONNECTIONS = 50;
/** Connections of the scenario of response sizes. */
export const SIZES_CONNECTIONS = 16;
/** Scenarios with steps have many processes. */
const SHARE_OF_SECONDS = 0.5;
const MANY_USERS = 100_000;
const CLIENTS = new URL('../load/clients.mjs', import.meta.url).pathname;

const formatNumber = (step) => step.toLocaleString('en');

/** The cost of more routes, instances, users and so on, with a process for each step. */
export const GROWTH = [
  growth({
    key: 'grow-routes',
    title: 'Routes',
    steps: [10, 1_000, 10_000],
    variants: { gateway: manyRoutes },
    env: (step) => ({ ROUTES: String(step) }),
    load: (step) => ({ paths: Array.from({ length: step }, (_, index) => PATHS.resource(index)) }),
  }),
  growth({
    key: 'grow-instances',
    title: 'Instances of a service',
    steps: [1, 20, 200],
    env(step, { services }) {
      const { port } = new URL(services.http);
      const addresses = HOSTS.slice(0, step).map((host) => `http://${host}:${port}`);
      // Turns of a process are far apart; with the default each turn would begin with new connections.
      const keepAlive = { UPSTREAM_KEEP_ALIVE_TIMEOUT_MS: '600000' };
      return { SERVICE: addresses.join(), CHAT_SERVICE_URL: addresses.join(), ...keepAlive };
    },
  }),
  growth({
    key: 'grow-connections',
    title: 'Idle client connections',
    steps: [10, 1_000, 10_000],
    descriptors: 10_500,
    setUpSeconds: 15,
    async prepare({ cores }, proxy, step) {
      const clients = new CommandProcess(cores.load, CLIENTS);
      await clients.nextResponse();
      await clients.run({ command: 'idle', port: proxy.port, count: step });
      return {
        async end() {
          // This command throws if the target has closed one of them.
          await clients.run({ command: 'leave' });
          clients.end();
        },
      };
    },
  }),
  growth({
    key: 'grow-users',
    title: 'Users',
    targets: ['gateway'],
    steps: [10, 1_000, 10_000, MANY_USERS],
    setUpSeconds: 5,
    setUp: writeUsers,
    load: (step, userFile) => ({ userFile, mostUsers: step }),
  }),
  growth({
    key: 'grow-revocations',
    title: 'Revoked tokens',
    targets: ['gateway'],
    needs: ['go', 'redis-server'],
    steps: [0, 240_000, 2_000_000],
    setUpSeconds: 30,
    setUp: ({ cores }, steps) => startRevocations(cores.load, steps),
    env: (step, _bench, redis) => ({ REDIS_URL: redis.urlOf(step) }),
  }),
  growth({
    key: 'grow-sizes',
    title: 'Size of a response',
    steps: [1_024, 64 * 1_024, 1_024 ** 2, 16 * 1_024 ** 2],
    formatStep: (bytes) => (bytes < 1_024 ** 2 ? `${bytes / 1_024} KB` : `${bytes / 1_024 ** 2} MiB`),
    load: (step) => ({ path: PATHS.sized(step), connections: SIZES_CONNECTIONS }),
  }),
  growth({
    key: 'grow-fields',
    title: 'Header fields of a request',
    steps: [5, 20, 100],
    load: (step) => ({ fields: step }),
  }),
];

function growth({ load = () => ({}), formatStep = formatNumber, title, ...scenario }) {
  return {
    targets: ['gateway', 'go'],
    needs: ['go'],
    ...scenario,
    title: `${title}, ${formatStep(scenario.steps[0])} to ${formatStep(scenario.steps.at(-1))}`,
    formatStep,
    unit: 'request',
    protocol: 'http',
    shareOfSeconds: SHARE_OF_SECONDS,
    validate: (bench, proxy, step) => validateRequest(bench, proxy, pathOf(load(step))),
    async round(bench, proxy, seconds, { step, context }) {
      const parameters = {
        path: PATHS.small,
        connections: GROWTH_CONNECTIONS,
        ...load(step, context),
        seconds,
      };
      const { cpuUs } = await timed(proxy, () => runOpenLoop(bench, proxy, parameters));
      return { cpuUs, residentBytes: await proxy.memory('VmRSS') };
    },
  };
}

const pathOf = ({ path = PATHS.small, paths = [path] }) => paths[0];

/** A file with so many users that most are not in the gateway's cache of tokens. */
async function writeUsers({ directory }) {
  const file = join(directory, 'many-users');
  const output = createWriteStream(file);
  for (let count = 0; count < MANY_USERS; count++) output.write(`Bearer ${signToken()}\n`);
  await finished(output.end());
  return file;
}
