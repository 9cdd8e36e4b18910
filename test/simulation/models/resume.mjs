/**
 * One relay of a route with `resume`. Its client sends three messages, its upstream restarts up to twice, with a close frame
 * or without, and the drain may begin at any moment. The resume buffer has room for two messages, the byte budget may have
 * no room for any message, and one interruption has time for two dials.
 *
 * A message is its number. The wire holds what the gateway has written to the upstream's connection and the upstream has not
 * read: messages, and pings as `ping 2`. An upstream that restarts reads nothing more of its connection, and what is on the
 * wire is lost. The gateway hears of the end later, and until then writes on.
 *
 * The gateway counts lost messages when it hears that the upstream's connection has ended. If the relay has ended before, the
 * gateway does not count them: `DEVIATIONS` states this.
 *
 * The model leaves out messages to the client (they pass at once, or the upstream loses them), back-pressure, timeouts of slow
 * ends, the limit of messages per second, tokens that expire, upstreams that close with 1000 (the gateway does not count what
 * they have not read), pings that acknowledge nothing new, and pongs without a ping. An evicted relay closes its upstream's
 * connection at once or with a close frame; here the close timeout may pass at any moment.
 */
import { step } from './explore.mjs';
import { createInvariants, MUST_REACH } from './resume-guarantees.mjs';
import {
  breakConnection,
  close,
  createUpstreamEnd,
  endRelay,
  evictSender,
  giveUp,
  send,
} from './resume-relay.mjs';
import { DIALS, endActions, resumeActions } from './resume-upstream.mjs';

const MESSAGES = 3;
const RESTARTS = 2;
const BUFFER_MESSAGES = 2;

/**
 * The rules of the code; a mutant changes one.
 * - `goesOn`: what a resumed relay sends first: `buffered`, in order; `late`: the buffered messages come after new ones;
 *   `unacknowledged`: also what the last connection had not acknowledged.
 * - `acknowledges`: what a pong acknowledges: what was sent before its ping, or all that was sent before the pong.
 * - `countsOverflow`, `countsNoRoom`, `countsBuffer`, `countsUnacknowledged`, `countsOnce`: which losses the relay counts
 *   (a message that the resume buffer refuses, a message for which the byte budget has no room, ...), and that it counts each
 *   once.
 * - `asksBeforeResuming`, `asksBeforeDial`, `asksAfterDial`: when the relay asks `refusesNew`.
 * - `dialsEnd`: whether the dials of one interruption have a limit of time.
 * - `closes1012`: whether the client gets a close frame.
 * - `countsAfterEnd`: whether losses must be counted that the gateway hears of after the end of the relay.
 */
const RULES = {
  goesOn: 'buffered',
  acknowledges: 'before ping',
  countsOverflow: true,
  countsNoRoom: true,
  countsBuffer: true,
  countsUnacknowledged: true,
  countsOnce: true,
  asksBeforeResuming: true,
  asksBeforeDial: true,
  asksAfterDial: true,
  dialsEnd: true,
  closes1012: true,
  countsAfterEnd: false,
};

const RELAY = 'libs/gateway/src/websocket/relay';
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
  heardAfterEnd: 0,
  refusesNew: false,
  afterRefuseNew: { begins: false, dials: false, resumes: false },
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
  const { client, accepted, ended } = state;
  if (client === 'closing') {
    return [step('Relay.finish', 'time', state, (next) => void (next.client = 'gone'))];
  }
  if (client === 'gone' || ended !== 'no') return [];
  const leave = step('Relay.onClientClose', 'peer', state, (next) => {
    endRelay(next, 'client', rules);
    next.client = 'gone';
  });
  // Another relay may need the room.
  const evict = step('Relay.evict', 'peer', state, (next) => close(next, rules));
  return accepted === MESSAGES ? [leave, evict] : [leave, evict, ...messageActions(state, rules)];
}

/** The byte budget has room for a message, or it has none. */
function messageActions(state, rules) {
  const { end, buffer, late } = state;
  const message = state.accepted + 1;
  const act = (name, change) =>
    step(name, 'peer', state, (next) => {
      next.accepted++;
      change(next);
    });
  if (end.is === 'open') {
    return [
      act('Relay.onClientMessage', (next) => send(next, message)),
      act('Relay.sendUpstream (no room)', (next) => evictSender(next, rules)),
    ];
  }
  const refuse = act('Relay.onClientMessage (no room)', (next) => giveUp(next, 1, rules));
  if (buffer.length + late.length === BUFFER_MESSAGES) return [refuse];
  return [act('Relay.onClientMessage (buffered)', (next) => void next.buffer.push(message)), refuse];
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
