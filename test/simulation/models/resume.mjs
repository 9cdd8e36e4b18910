/**
 * One relay of a route with `resume`: its client sends three messages, its upstream restarts up to twice, with a close frame
 * or without, and the drain may begin at any moment. The resume buffer has room for two messages, and one interruption has
 * time for two dials.
 *
 * A message is its number. The wire has what was written to the upstream's connection and not been read: messages, and pings
 * as `ping 2`. An upstream that restarts reads nothing more of its connection: what is on the wire is dropped. The gateway
 * hears of it later, and until then writes on.
 *
 * Left out: messages to the client (they pass at once or are the upstream's own loss), back-pressure and timeouts of slow
 * ends, the limit of messages per second, tokens that expire, an upstream that closes for good (1000): what it leaves
 * unread is not counted, a ping that would acknowledge nothing new, upstreams that send pongs nobody asked for.
 *
 * What the code does not promise is in DEVIATIONS.
 */
import { step } from './explore.mjs';
import { createInvariants, MUST_REACH } from './resume-guarantees.mjs';
import { breakConnection, close, createUpstreamEnd, endRelay, giveUp, send } from './resume-relay.mjs';
import { DIALS, endActions, resumeActions } from './resume-upstream.mjs';

const MESSAGES = 3;
const RESTARTS = 2;
const BUFFER_MESSAGES = 2;

/**
 * The rules of the code; a mutant changes one.
 * - `goesOn`: what a resumed relay sends first: `buffered`, in order; `late`: the buffered messages come after new ones;
 *   `unacknowledged`: also what the last connection had not acknowledged.
 * - `acknowledges`: what a pong acknowledges: what was sent before its ping, or all that was sent before the pong.
 * - `countsOverflow`, `countsBuffer`, `countsUnacknowledged`, `countsOnce`: what is counted, and that it is counted once.
 * - `excusesUnheard`: whether it is no violation that messages are not counted which were lost with a connection whose end
 *   the gateway heard of after the end of the relay.
 * - `mayResumeLate`: whether a resumption that began before `refuseNew` may end after it.
 * - `hasBudget`: whether there may be no room for a message in the byte budget.
 */
const RULES = {
  goesOn: 'buffered',
  acknowledges: 'before ping',
  countsOverflow: true,
  countsBuffer: true,
  countsUnacknowledged: true,
  countsOnce: true,
  asksRefusesNew: true,
  dialsEnd: true,
  closes1012: true,
  excusesUnheard: true,
  mayResumeLate: true,
  hasBudget: false,
};

const RELAY = 'apps/gateway/src/websocket/relay';
const SOURCES = {
  Relay: `${RELAY}/relay.ts`,
  RelayEnd: `${RELAY}/relay-end.ts`,
  Relays: `${RELAY}/relays.ts`,
  Resumption: `${RELAY}/resumption.ts`,
};

const INITIAL = {
  client: 'open',
  gotClose: false,
  accepted: 0,
  end: createUpstreamEnd(),
  isUpstreamUp: true,
  restarts: 0,
  received: [],
  acknowledged: [],
  late: [],
  buffer: [],
  dial: 'none',
  dialsLeft: DIALS,
  ended: 'no',
  counts: { lost: 0, unacknowledged: 0, resumptions: 0 },
  unheard: 0,
  refusesNew: false,
  resumedAfterRefusal: false,
  completedAfterRefusal: false,
};

/** @returns {import('./explore.mjs').Model} */
export function createResume(rules = {}) {
  const all = { ...RULES, ...rules };
  return {
    name: 'resume',
    sources: SOURCES,
    initial: INITIAL,
    actions: (state) => [
      ...clientActions(state, all),
      ...upstreamActions(state),
      ...endActions(state, all),
      ...resumeActions(state, all),
      ...drainActions(state, all),
    ],
    isFinal,
    invariants: createInvariants(all),
    mustReach: MUST_REACH,
  };
}

/** A relay at rest is no wait: its pings bound it. */
function isFinal({ ended, client, end, dial, refusesNew, buffer }) {
  if (ended !== 'no') return client === 'gone' && end.is === 'gone';
  return end.is === 'open' && end.fault === 'none' && dial === 'none' && !refusesNew && buffer.length === 0;
}

function clientActions(state, rules) {
  const { client, accepted, ended, end, buffer, late } = state;
  if (client === 'closing') {
    return [step('Relay.finish', 'time', state, (next) => void (next.client = 'gone'))];
  }
  if (client === 'gone' || ended !== 'no') return [];
  const leave = step('Relay.onClientClose', 'peer', state, (next) => {
    endRelay(next, 'client', rules);
    next.client = 'gone';
  });
  if (accepted === MESSAGES) return [leave];
  const message = accepted + 1;
  const pass = step('Relay.onClientMessage', 'peer', state, (next) => {
    next.accepted++;
    if (end.is === 'open') send(next, message);
    else if (buffer.length + late.length < BUFFER_MESSAGES) next.buffer.push(message);
    else giveUp(next, 1, rules);
  });
  return rules.hasBudget ? [leave, pass, ...evictActions(state, rules)] : [leave, pass];
}

/** No room for a message: it is not sent, and the relay ends. */
function evictActions(state, rules) {
  if (state.end.is !== 'open') return [];
  return [
    step('Relay.evict', 'peer', state, (next) => {
      next.accepted++;
      close(next, rules);
    }),
  ];
}

function upstreamActions(state) {
  const { end, isUpstreamUp, restarts, dial } = state;
  const actions = [];
  if (end.wire.length > 0) {
    actions.push(
      step('the upstream reads a frame', 'peer', state, (next) => {
        const frame = next.end.wire.shift();
        if (typeof frame === 'number') next.received.push(frame);
        else next.end.pong = Number(frame.slice('ping '.length));
      }),
    );
  }
  if (!isUpstreamUp) {
    actions.push(step('the upstream starts', 'peer', state, (next) => void (next.isUpstreamUp = true)));
  } else if (restarts < RESTARTS) {
    for (const fault of ['no close frame', 'close frame 1012']) {
      actions.push(
        step(`the upstream ends (${fault})`, 'peer', state, (next) => {
          next.isUpstreamUp = false;
          next.restarts++;
          if (dial === 'connected') next.dial = 'connected, broken';
          if (end.is !== 'gone' && end.fault === 'none') breakConnection(next.end, fault);
        }),
      );
    }
  }
  return actions;
}

function drainActions(state, rules) {
  const { refusesNew, ended } = state;
  if (ended !== 'no') return [];
  if (!refusesNew) return [step('Relays.refuseNew', 'peer', state, (next) => void (next.refusesNew = true))];
  return [step('Relays.drain', 'time', state, (next) => close(next, rules))];
}
