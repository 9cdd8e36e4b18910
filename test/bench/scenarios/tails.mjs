import { runOpenLoop } from '../load/open-loop.mjs';
import { PATHS, UPLOAD_BYTES } from '../service/bodies.mjs';
import { timed } from './timed.mjs';
import { validateRequest } from './validate.mjs';

/** Connections of the closed loop that measures the capacity, and of most rates. */
export const TAILS_CONNECTIONS = 64;
/** Rates, in percent of the capacity of the slowest target. */
export const PERCENTS = [10, 40, 70];
const WARM_UP_SECONDS = 1.5;
const CAPACITY_SECONDS = 1.5;
/** The lead-in of a round, in addition to the time in which each connection has its first request. */
const LEAD_IN_SECONDS = 0.3;

/** Latencies at fixed rates, the same for all targets: shares of what the slowest of them can do. */
export const TAILS = [
  tails({
    key: 'tails',
    title: '1 KB GET at fixed rates',
    requestName: '1 KB GET',
    loads: [
      ...PERCENTS.map((percent) => ({ percent, connections: TAILS_CONNECTIONS })),
      { percent: 10, connections: 1 },
      { percent: 40, connections: 1_000 },
    ],
  }),
  tails({
    key: 'tails-post',
    title: '64 KB POST at a fixed rate',
    requestName: '64 KB POST',
    upload: UPLOAD_BYTES,
    loads: [{ percent: 40, connections: TAILS_CONNECTIONS }],
  }),
];

function tails({ key, title, requestName, upload = 0, loads }) {
  const request = { path: PATHS.small, upload };
  return {
    key,
    title,
    protocol: 'http',
    targets: ['gateway', 'nest-hpm', 'go', 'nginx'],
    needs: ['go'],
    partKeys: loads.map((load) => keyOf(key, load)),
    warmUpSeconds: WARM_UP_SECONDS + CAPACITY_SECONDS,
    turnOverheadSeconds: 2 * LEAD_IN_SECONDS,
    validate: (bench, proxy) => validateRequest(bench, proxy, request.path, upload),
    async plan(bench, proxies) {
      const capacities = [];
      for (const proxy of proxies) capacities.push(await measureCapacity(bench, proxy, request));
      const capacity = Math.min(...capacities);
      return loads.map((load) => createPart(key, requestName, request, { ...load, capacity }));
    },
  };
}

/** Measures the requests a second of a closed loop. */
async function measureCapacity(bench, proxy, request) {
  const load = { ...request, connections: TAILS_CONNECTIONS };
  await runOpenLoop(bench, proxy, { ...load, seconds: WARM_UP_SECONDS });
  const { requests, elapsedMs } = await runOpenLoop(bench, proxy, { ...load, seconds: CAPACITY_SECONDS });
  return (requests / elapsedMs) * 1_000;
}

function keyOf(key, { percent, connections }) {
  return `${key}-${percent}-${connections}`;
}

function createPart(key, requestName, request, { percent, connections, capacity }) {
  const rate = Math.round((capacity * percent) / 100);
  const clients = connections === 1 ? '1 connection' : `${connections.toLocaleString('en')} connections`;
  return {
    key: keyOf(key, { percent, connections }),
    title: `${requestName}, ${clients}, ${percent} % of capacity`,
    unit: 'request',
    labels: { percent, connections, rate },
    round(bench, proxy, seconds) {
      const leadIn = LEAD_IN_SECONDS + connections / rate;
      const load = { ...request, connections, rate, leadIn, seconds: seconds + leadIn };
      return timed(proxy, () => runOpenLoop(bench, proxy, load));
    },
  };
}
