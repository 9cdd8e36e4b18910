import { setTimeout as delay } from 'node:timers/promises';
import { isFailed } from './figures.mjs';

/** Clocks short enough that a phase sees what they do, nested as the product demands. */
const SHORT_TIMEOUTS = {
  CONNECT_TIMEOUT_MS: '1000',
  RESPONSE_HEADERS_TIMEOUT_MS: '3000',
  REQUEST_TIMEOUT_MS: '5000',
  STREAM_IDLE_TIMEOUT_MS: '6000',
  HEALTH_CHECK_INTERVAL_MS: '500',
  HEALTH_CHECK_TIMEOUT_MS: '500',
  OUTLIER_EJECTION_MS: '1000',
  SLOW_START_MS: '1000',
  CIRCUIT_BREAKER_OPEN_MS: '1000',
};

/** A read can always be sent to another instance. */
const readsDoNotFail = {
  name: 'no read failed',
  holds: ({ figures }) => figures.failedReads === 0,
};

const nothingFails = {
  name: 'no request failed',
  holds: ({ figures }) => figures.failedReads + figures.failedWrites === 0,
};

/** Writes that went to the instance during the fault and may not be sent again are all that may fail. */
const onlyWritesInFlightFail = {
  name: 'only writes in flight to that instance failed',
  holds: ({ records, requests, system }) =>
    records.filter(isFailed).every((record) => wentTo(system, requests)(record) && wasDuring(system)(record)),
  detail: ({ records, requests, system }) => {
    const failed = records.filter(isFailed);
    const inFlight = records.filter(
      (record) => wentTo(system, requests)(record) && wasDuring(system)(record),
    );
    const others = failed.filter((record) => !wentTo(system, requests)(record) || !wasDuring(system)(record));
    const named = others.map(({ requestId }) => JSON.stringify(requests.get(requestId) ?? 'no line'));
    return [`${failed.length} failed, ${inFlight.length} writes in flight to it`, ...named].join('\n    ');
  },
};

function wentTo({ instances: [harmed] }, requests) {
  return ({ isWrite, requestId }) => isWrite && requests.get(requestId)?.instance === harmed.origin;
}

/** Whether a request was on its way while the fault was there. */
function wasDuring({ beganAt, endedAt }) {
  return ({ startedAt, endedAt: answeredAt }) => startedAt < endedAt && answeredAt > beganAt;
}

/** Half of them would be what chance gives it. */
const slowOneGetsLess = {
  name: 'the slow one got less than a quarter of the requests',
  holds: (seen) => shareOfFirst(seen) < 0.25,
  detail: (seen) => `it got ${shareOfFirst(seen)}`,
};

/** What part of the requests went to the first instance while it was harmed. */
function shareOfFirst({ records, requests, system }) {
  const during = records.filter(wasDuring(system));
  const [{ origin }] = system.instances;
  return (
    during.filter(({ requestId }) => requests.get(requestId)?.instance === origin).length / during.length
  );
}

/** Half of the phases harm the first instance for this long. */
const FAULT_MS = 3_000;

async function forAWhile({ system, begin, end }) {
  await delay(1_000);
  system.begin();
  await begin();
  await delay(FAULT_MS);
  await end();
  system.finish();
  await delay(2_500);
}

/** Changes how the first instance behaves, for a while. */
function misbehaving(change, back) {
  return (system) =>
    forAWhile({
      system,
      begin: () => system.instances[0].behave(change),
      end: () => system.instances[0].behave(back),
    });
}

/** Each ends as an orchestrator ends it, and the next follows as soon as it is well again; twice. */
async function restartAll(system) {
  await delay(1_000);
  system.begin();
  for (let round = 1; round <= 2; round++) {
    for (const instance of system.instances) {
      await instance.stop();
      await instance.start();
      await instance.isWell();
    }
    await delay(2_000);
  }
}

/** The script. Each phase has a system of its own, so that none sees what another left. */
export const PHASES = [
  {
    key: 'healthy',
    name: 'healthy',
    run: () => delay(6_000),
    asserts: [nothingFails],
  },
  {
    key: 'kill',
    name: 'kill -9 of one of two, restart',
    run: (system) =>
      forAWhile({
        system,
        begin: () => system.instances[0].kill(),
        end: () => system.instances[0].start(),
      }),
    asserts: [readsDoNotFail, onlyWritesInFlightFail],
  },
  {
    key: 'stop',
    name: 'SIGSTOP of one of two, SIGCONT',
    async run(system) {
      await delay(1_000);
      system.begin();
      system.instances[0].signal('SIGSTOP');
      await delay(4_500);
      system.instances[0].signal('SIGCONT');
      system.finish();
      await delay(2_500);
    },
    asserts: [readsDoNotFail, onlyWritesInFlightFail],
  },
  {
    key: 'slow-start',
    name: 'restart of one that listens late',
    run: (system) =>
      forAWhile({
        system,
        begin: () => system.instances[0].stop(),
        end: () => system.instances[0].start({ delayMs: 1_500 }),
      }),
    asserts: [nothingFails],
  },
  {
    key: 'refuse',
    name: 'one of two refuses',
    run: misbehaving({ isRefusing: true }, { isRefusing: false }),
    asserts: [nothingFails],
  },
  {
    key: 'reset',
    name: 'one of two resets 20 % at random',
    run: misbehaving({ resetShare: 0.2 }, { resetShare: 0 }),
    asserts: [readsDoNotFail, onlyWritesInFlightFail],
  },
  {
    key: 'burst',
    name: 'one of two answers 503',
    run: misbehaving({ isFailing: true }, { isFailing: false }),
    asserts: [readsDoNotFail, onlyWritesInFlightFail],
  },
  {
    key: 'latency',
    name: 'one of two takes 400 ms',
    run: misbehaving({ latencyMs: 400 }, { latencyMs: 2 }),
    asserts: [nothingFails, slowOneGetsLess],
  },
  {
    key: 'outage',
    name: 'kill -9 of both, restart',
    run: (system) =>
      forAWhile({
        system,
        begin: () => Promise.all(system.instances.map((instance) => instance.kill())),
        end: () => Promise.all(system.instances.map((instance) => instance.start())),
      }),
    asserts: [
      {
        name: 'every request had an answer',
        holds: ({ records }) => records.every(({ lost }) => lost === undefined),
      },
      {
        name: 'recovered within 2.5 s',
        holds: ({ figures }) => figures.recoveryMs < 2_500,
      },
    ],
  },
  {
    key: 'half',
    name: 'kill -9 of two of four, for good',
    count: 4,
    async run(system) {
      await delay(1_000);
      system.begin();
      await Promise.all(system.instances.slice(0, 2).map((instance) => instance.kill()));
      await delay(5_000);
    },
    asserts: [
      readsDoNotFail,
      {
        name: 'recovered within 1 s',
        holds: ({ figures }) => figures.recoveryMs < 1_000,
      },
    ],
  },
  {
    key: 'dns',
    name: 'DNS change, and the old one ends',
    count: 3,
    hosts: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
    dnsName: 'chat.test',
    env: { DNS_REFRESH_INTERVAL_MS: '500' },
    async run(system) {
      await delay(1_000);
      system.begin();
      const [old, kept, added] = system.instances;
      system.dns.records.set('chat.test', [kept.host, added.host]);
      await old.stop();
      await delay(5_000);
    },
    asserts: [
      nothingFails,
      {
        name: 'the new address serves',
        holds: ({ records, system }) => records.some(({ instance }) => instance === system.instances[2].name),
      },
    ],
  },
  {
    key: 'rolling',
    name: 'rolling restart, default timeouts',
    env: Object.fromEntries(Object.keys(SHORT_TIMEOUTS).map((name) => [name, undefined])),
    run: restartAll,
    asserts: [nothingFails],
  },
  {
    // What Node's own close() does: it cuts connections that are idle as far as it has read, and with them a write
    // that is just coming in, which nobody may send again.
    key: 'rolling-plain',
    name: 'rolling restart of plain Node servers',
    async run(system) {
      await Promise.all(system.instances.map((instance) => instance.behave({ stop: 'plain' })));
      await restartAll(system);
    },
    asserts: [readsDoNotFail],
  },
].map((phase) => ({ count: 2, ...phase, env: { ...SHORT_TIMEOUTS, ...phase.env } }));
