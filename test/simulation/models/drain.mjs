/**
 * The drain of one gateway, from before the signal to the end of the process. It has a connection on which a proxy may send
 * one more request, a connection with a request in flight, and one WebSocket.
 *
 * The code takes the steps after the shutdown delay in one turn of the event loop. In the model, every other event may happen
 * between two steps: the order of the steps alone must suffice.
 *
 * The model counts time in ticks: the shutdown delay lasts one tick, the drain four, and the gateway closes a connection that
 * has been silent for two (`QUIET_MS`). It assumes that the gateway reads a request at most one tick after the proxy has sent
 * it. If a network is slower than `QUIET_MS`, a request can meet the end of its connection.
 *
 * The model leaves out connections that only read metrics, responses that exceed the kernel's buffers, pipelined requests,
 * connections that are accepted after the signal, bounds of idle connections, targets of the drain that throw, upstreams that
 * restart during the drain (see the model of resume), and a second signal.
 */
import { INVARIANTS, MUST_REACH, ORDER } from './drain-guarantees.mjs';
import {
  cut,
  hasExchange,
  isConnected,
  relayActions,
  requestActions,
  returnActions,
} from './drain-traffic.mjs';
import { step } from './explore.mjs';

const QUIET_TICKS = 2;
const TRANSIT_TICKS = 1;
const DELAY_TICKS = 1;
const DRAIN_TICKS = 4;

/**
 * The rules of the code; a mutant changes one.
 * - `closesPending`: whether a connection with a request in flight is closed as a silent one is.
 * - `spreadsToDeadline`: whether relays may be closed until the deadline itself.
 */
const RULES = {
  order: ORDER,
  quietTicks: QUIET_TICKS,
  closesPending: false,
  closesLateRelays: true,
  spreadsToDeadline: false,
  hasDeadline: true,
};

const SOURCES = {
  DrainService: 'libs/gateway/src/lifecycle/drain.service.ts',
  AttemptLoop: 'libs/proxy/src/forward/attempt-loop.ts',
  OpenExchanges: 'libs/gateway/src/http/open-exchanges.ts',
  Relay: 'libs/gateway/src/websocket/relay/relay.ts',
  Relays: 'libs/gateway/src/websocket/relay/relays.ts',
  UpgradeMiddleware: 'libs/gateway/src/websocket/upgrade.middleware.ts',
};

/**
 * `request`: undefined is `null`; `wire` until the gateway has read it, then `open`, and `headersOut`.
 * `reset`: when a request was sent that the gateway has not read: before or after the listener closed.
 */
const createConnection = (request, sends) => ({
  isOpen: true,
  request,
  sends,
  age: 0,
  wasEarly: false,
  saysClose: false,
  quiet: 0,
  isTold: false,
  reset: 'none',
  cut: 'none',
});

const INITIAL = {
  phase: 'serving',
  ticksLeft: 0,
  stepsDone: 0,
  isListening: true,
  endsConnections: false,
  refusesNew: false,
  connections: [createConnection(null, 1), createConnection('open', 0)],
  relay: { is: 'none', toClose: false, isLate: false, got1012: false, leftByItself: false },
  comesBack: 'no',
};

/** @returns {import('./explore.mjs').Model} */
export function createDrain(rules = {}) {
  const all = { ...RULES, ...rules };
  return {
    name: 'drain',
    sources: SOURCES,
    initial: INITIAL,
    actions: (state) =>
      state.phase === 'over'
        ? []
        : [
            ...shutdownActions(state, all),
            ...state.connections.flatMap((_connection, index) => requestActions(state, index)),
            ...closeActions(state, all),
            ...relayActions(state, all),
            ...returnActions(state),
          ],
    isFinal: ({ phase }) => phase === 'over',
    invariants: INVARIANTS,
    mustReach: MUST_REACH,
  };
}

function shutdownActions(state, rules) {
  const { phase, ticksLeft, stepsDone } = state;
  if (phase === 'serving') {
    return [
      step('DrainService.begin', 'time', state, (next) => {
        next.phase = 'delay';
        next.ticksLeft = DELAY_TICKS;
      }),
    ];
  }
  if (phase === 'delay' && ticksLeft === 0) {
    const name = rules.order[stepsDone];
    return [
      step(name, 'gateway', state, (next) => {
        STEPS[name](next);
        if (++next.stepsDone < rules.order.length) return;
        next.phase = 'draining';
        next.ticksLeft = DRAIN_TICKS;
      }),
    ];
  }
  return [...tick(state, rules), ...shutdownEnd(state, rules)];
}

const STEPS = {
  'DrainService.stopListening': (next) => {
    next.isListening = false;
    // The kernel resets those that it has not handed over.
    if (next.comesBack === 'waiting') next.comesBack = 'reset';
  },
  'OpenExchanges.endConnections': (next) => {
    next.endsConnections = true;
    for (const each of next.connections) if (each.request === 'open') each.saysClose = true;
  },
  'Relays.refuseNew': (next) => {
    next.refusesNew = true;
  },
  'Relays.drain': (next) => {
    next.relay.toClose = next.relay.is === 'open';
  },
};

function tick(state, { spreadsToDeadline, quietTicks, closesPending }) {
  const { phase, ticksLeft, relay, connections } = state;
  if (ticksLeft === 0) return [];
  if (connections.some(({ request, age }) => request === 'wire' && age === TRANSIT_TICKS)) return [];
  if (phase === 'draining' && ticksLeft === 1 && relay.toClose && !spreadsToDeadline) return [];
  return [
    step('a tick passes', 'time', state, (next) => {
      next.ticksLeft--;
      for (const each of next.connections) {
        if (each.request === 'wire') each.age++;
        const isQuiet = phase === 'draining' && each.isOpen && (closesPending || !hasExchange(each));
        if (isQuiet) each.quiet = Math.min(each.quiet + 1, quietTicks);
      }
    }),
  ];
}

/** The end of what the drain waits for, and of the process. */
function shutdownEnd(state, { hasDeadline }) {
  const { phase, ticksLeft, relay, connections } = state;
  if (phase !== 'draining') return [];
  const isComplete = !connections.some(({ isOpen }) => isOpen) && !isConnected(relay);
  const isLate = ticksLeft === 0 && hasDeadline;
  if (!isComplete && !isLate) return [];
  return [
    step('DrainService.run', 'gateway', state, (next) => {
      next.phase = 'over';
      for (const each of next.connections) cut(each, ticksLeft === 0 ? 'atDeadline' : 'early');
      if (isConnected(next.relay)) next.relay.is = relay.is === 'dialling' ? 'refused' : 'destroyed';
      next.relay.toClose = false;
    }),
  ];
}

function closeActions(state, { quietTicks, closesPending }) {
  if (state.phase !== 'draining') return [];
  return [...state.connections.entries()]
    .filter(([, { isOpen, quiet }]) => isOpen && quiet >= quietTicks)
    .filter(([, each]) => closesPending || !hasExchange(each))
    .map(([index]) =>
      step('DrainService.closeConnections', 'gateway', state, ({ connections }) =>
        cut(connections[index], 'early'),
      ),
    );
}
