import { Random } from '../fuzz/random.mjs';
import { SCENARIOS } from './scenarios.mjs';

/** Milliseconds in which clients start and events happen. */
const BUSY_MS = 8_000;

const ROUTES = {
  '/v1/sim/item': { methods: { GET: 6, HEAD: 1, POST: 4, PUT: 1, DELETE: 1 }, isPrivate: true },
  '/v1/sim/open': { methods: { GET: 3, POST: 2 } },
  '/v1/sim/keyed': { methods: { POST: 1 }, isPrivate: true, isKeyed: true },
};

const LIMITED = { '/v1/sim/limited': { methods: { POST: 1, GET: 1 }, isPrivate: true } };

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Weights of the lengths of request bodies, in bytes. */
const UPLOADS = { 0: 2, 20: 4, 3000: 4, 70000: 1 };

/** Largest body that the gateway keeps for a retry. */
const KEYED_BYTES = 64 * 1024;

/**
 * Draws all that happens in one play: data, so that a failing plan can be made smaller.
 * @param name of a scenario
 */
export function createPlan(seed, name) {
  const scenario = SCENARIOS[name];
  const random = new Random(`plan ${seed} ${name}`);
  const between = ([least, most] = [1, 1]) => random.int(least, most);
  const sessions = Array.from({ length: 4 }, (_, index) => ({
    user: `user${index}`,
    tokenId: `token-${seed}-${index}`,
    sessionId: `session-${seed}-${index}`,
    ...(scenario.tokenSeconds && { lifeSeconds: random.int(...scenario.tokenSeconds) }),
  }));
  const plan = {
    seed,
    gateways: between(scenario.gateways),
    instances: between(scenario.instances),
    sessions,
    clients: Array.from({ length: between(scenario.clients ?? [6, 24]) }, (_, index) =>
      planClient(random.fork(`client ${index}`), { index, scenario, sessions }),
    ),
    relays: Array.from({ length: between(scenario.relays ?? [0, 0]) }, (_, index) =>
      planRelay(random.fork(`relay ${index}`), { index, sessions, scenario }),
    ),
    streams: Array.from({ length: between(scenario.streams ?? [0, 0]) }, (_, index) =>
      planStream(random.fork(`stream ${index}`), { index, sessions }),
    ),
    events: [],
  };
  for (const [kind, range] of Object.entries(scenario.events ?? {})) {
    const count = random.int(...range);
    for (let index = 0; index < count; index++) {
      plan.events.push({
        kind,
        at: random.int(300, BUSY_MS),
        choice: random.uint32(),
        backAfterMs: random.int(200, 3_000),
      });
    }
  }
  plan.events.sort((one, other) => one.at - other.at);
  return plan;
}

function planClient(random, { index, scenario, sessions }) {
  const rude = scenario.rude ?? {};
  const session = random.int(0, sessions.length - 1);
  const routes = scenario.hasLimits ? { ...ROUTES, ...LIMITED } : ROUTES;
  const count = random.int(...(scenario.requests ?? [3, 15]));
  const faults = {};
  for (let each = 1; each <= count; each++) {
    if (random.chance(rude.resets ?? 0))
      faults[each] = { [random.pick(['resetAfterSent', 'resetAfterReceived'])]: random.int(1, 3_000) };
  }
  return {
    id: `c${index}`,
    session,
    network: `192.0.2.${index + 1}`,
    startAt: random.int(0, 2_000),
    requests: Array.from({ length: count }, () => planRequest(random, { rude, routes, scenario })),
    thinkMs: Array.from({ length: 5 }, () =>
      random.chance(0.7) ? random.int(0, 60) : random.int(300, 2_000),
    ),
    reading: planReading(random, rude),
    faults,
    /** Whether it leaves its connection open at the end. */
    stays: random.chance(0.2),
  };
}

function planReading(random, rude) {
  if (random.chance(rude.aborts ?? 0)) return { abortAtByte: random.int(1, 60_000) };
  if (random.chance(rude.pauses ?? 0))
    return { pauseAtByte: random.int(1, 60_000), pauseMs: random.int(100, 4_000) };
  return {};
}

function planRequest(random, { rude, routes, scenario }) {
  const route = random.pick(Object.keys(routes));
  const { methods, isPrivate = false, isKeyed = false } = routes[route];
  const method = random.weighted(methods);
  const hasBody = !SAFE.has(method) && method !== 'DELETE';
  const bodyLength = hasBody ? Number(random.weighted(scenario.uploads ?? UPLOADS)) : 0;
  const isSlow = random.chance(rude.slow ?? 0.05);
  // Its response is framed by the end of the connection, unless it has a length.
  const isOld = random.chance(0.08);
  // A key alone makes no request retryable: its route must opt in.
  const hasKey = isKeyed || (hasBody && random.chance(0.3));
  const isChunked = hasBody && !isOld && random.chance(0.3);
  return {
    method,
    route,
    isPrivate,
    hasKey,
    bodyLength,
    isChunked,
    isOld,
    isAnonymous: random.chance(rude.anonymous ?? 0.02),
    isRetryable: SAFE.has(method) || (isKeyed && !isChunked && bodyLength <= KEYED_BYTES),
    parts: isSlow ? random.int(2, 6) : 1,
    pauseMs: isSlow ? random.int(5, 400) : 0,
    isFollowed: !isOld && SAFE.has(method) && random.chance(0.1),
    // How long its client waits for 100, in milliseconds: not long, or longer than any timeout.
    ...(bodyLength > 0 &&
      !isOld &&
      random.chance(scenario.expects ?? 0) && { expects: random.pick([5, 60, 400, 20_000]) }),
    ...(random.chance(rude.cut ?? 0) && { cutAfter: random.int(1, 200 + bodyLength) }),
  };
}

function planRelay(random, { index, sessions, scenario }) {
  return {
    id: `w${index}`,
    session: random.int(0, sessions.length - 1),
    network: `198.51.100.${index + 1}`,
    route: random.pick(['/v1/sim/resuming', '/v1/sim/resuming', '/v1/sim/socket']),
    startAt: random.int(0, 3_000),
    messages: random.int(1, 60),
    pauseMs: random.pick(scenario.relayPausesMs ?? [5, 50, 400]),
  };
}

function planStream(random, { index, sessions }) {
  return {
    id: `e${index}`,
    session: random.int(0, sessions.length - 1),
    network: `203.0.113.${index + 1}`,
    startAt: random.int(0, 3_000),
    streams: random.int(1, 3),
  };
}
