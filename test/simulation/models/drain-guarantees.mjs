import { COMMON_INVARIANTS } from './explore.mjs';

/** What must hold in the model of the drain, what it must be able to reach, and the mutants that it must refute. */

/** The steps after the shutdown delay, in the order of the code. */
export const ORDER = [
  'DrainService.stopListening',
  'OpenExchanges.endConnections',
  'Relays.refuseNew',
  'Relays.drain',
];

export const INVARIANTS = [
  {
    name: 'a request that was read ends by itself or at the deadline',
    guarantee: 'G7',
    holds: ({ connections }) => connections.every((each) => each.cut !== 'early'),
  },
  {
    name: 'a request that was sent before the listener closed is read',
    guarantee: 'G7',
    holds: ({ connections }) => connections.every(({ reset }) => reset !== 'early'),
  },
  {
    name: 'a client that was told Connection: close is not reset by the listener that closes',
    guarantee: 'G7',
    holds: ({ comesBack }) => comesBack !== 'reset',
  },
  {
    name: 'no relay begins after refuseNew',
    guarantee: 'G7',
    holds: ({ relay }) => !(relay.isLate && relay.is === 'open'),
  },
  {
    name: 'every WebSocket that is open at the drain gets 1012 or closes by itself',
    guarantee: 'G7',
    holds: ({ relay: { is, got1012, leftByItself }, phase }) =>
      phase !== 'over' || got1012 || leftByItself || ['none', 'refused'].includes(is),
  },
];

export const MUST_REACH = [
  {
    name: 'an end before the deadline with all requests served',
    holds: ({ phase, ticksLeft, connections }) =>
      phase === 'over' &&
      ticksLeft > 0 &&
      connections.every(({ reset, cut: when }) => reset + when === 'nonenone'),
  },
  {
    name: 'a request that is cut at the deadline',
    holds: ({ connections }) => connections.some((each) => each.cut === 'atDeadline'),
  },
  {
    name: 'a request of a slow proxy that meets the end of its connection',
    holds: ({ connections }) => connections.some(({ reset }) => reset === 'late'),
  },
  {
    name: 'a response in flight without Connection: close, whose connection is closed once it is silent',
    holds: ({ connections: [, each] }) => !each.isOpen && !each.isTold && each.cut === 'none',
  },
  {
    name: 'a client that finds no listener when it comes back',
    holds: ({ comesBack }) => comesBack === 'refused',
  },
  {
    name: 'a relay that opens after refuseNew and gets 1012',
    holds: ({ relay: { isLate, got1012 } }) => isLate && got1012,
  },
  {
    name: 'a WebSocket that closes by itself during the drain',
    holds: ({ phase, relay: { leftByItself } }) => phase === 'draining' && leftByItself,
  },
];

/** Changed rules, and the invariant that must refute each. */
export const MUTANTS = [
  {
    change: 'a connection with a request in flight is closed as a silent one is',
    rules: { closesPending: true },
    invariant: 'a request that was read ends by itself or at the deadline',
  },
  {
    change: 'connections are closed as soon as a request may be on its way',
    rules: { quietTicks: 1 },
    invariant: 'a request that was sent before the listener closed is read',
  },
  {
    change: 'responses say Connection: close before the listener closes',
    rules: { order: [ORDER[1], ORDER[0], ORDER[2], ORDER[3]] },
    invariant: 'a client that was told Connection: close is not reset by the listener that closes',
  },
  {
    change: 'a relay that opens after refuseNew is kept',
    rules: { closesLateRelays: false },
    invariant: 'no relay begins after refuseNew',
  },
  {
    change: 'relays are closed before new ones are refused',
    rules: { order: [ORDER[0], ORDER[1], ORDER[3], ORDER[2]] },
    invariant: 'every WebSocket that is open at the drain gets 1012 or closes by itself',
  },
  {
    change: 'relays may be closed until the deadline itself',
    rules: { spreadsToDeadline: true },
    invariant: 'every WebSocket that is open at the drain gets 1012 or closes by itself',
  },
  {
    change: 'the drain waits for all connections, however long',
    rules: { hasDeadline: false },
    invariant: COMMON_INVARIANTS.WAIT.name,
  },
];
