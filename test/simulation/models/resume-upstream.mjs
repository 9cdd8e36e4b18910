import { step } from './explore.mjs';
import {
  breakConnection,
  closeClient,
  countUnacknowledged,
  createUpstreamEnd,
  endRelay,
  evictSender,
  giveUp,
  GONE,
  send,
} from './resume-relay.mjs';

/** What happens to the upstream's end of the relay in the model of resume, and the resumption of the upstream. */

/** Dials for which one interruption has time. */
export const DIALS = 2;

/** The upstream's end, as `ws` and its timeouts tell of it. */
export function endActions(state, rules) {
  const { end, ended, refusesNew } = state;
  if (end.is === 'gone') return [];
  const actions = pongActions(state, rules);
  if (end.fault === 'close frame 1012' && end.is === 'open') {
    actions.push(
      step('the close frame of the upstream comes', 'gateway', state, (next) => {
        next.end.is = 'closing';
      }),
    );
  } else if (end.fault !== 'none') {
    const resumes = ended === 'no' && !(rules.asksBeforeResuming && refusesNew);
    actions.push(...(resumes ? resumeStarts(state, rules) : [hearClose(state, rules)]));
  } else if (ended !== 'no') {
    actions.push(
      step('the close timeout of the upstream passes', 'time', state, (next) => {
        breakConnection(next.end, 'no close frame');
      }),
    );
  }
  return actions;
}

function pongActions(state, { acknowledges }) {
  const { end, ended } = state;
  const actions = [];
  if (end.pong > end.acknowledged) {
    const count = acknowledges === 'before ping' ? end.pong : end.sent.length;
    actions.push(
      step('RelayEnd.onPong', 'peer', state, (next) => {
        next.acknowledged.push(...end.sent.slice(end.acknowledged, count));
        next.end.acknowledged = count;
      }),
    );
  }
  if (end.is === 'open' && ended === 'no' && end.sent.length > end.pinged) {
    actions.push(
      step('RelayEnd.ping', 'time', state, (next) => {
        next.end.pinged = end.sent.length;
        if (end.fault === 'none') next.end.wire.push(`ping ${end.sent.length}`);
      }),
    );
  }
  return actions;
}

function hearClose(state, rules) {
  return step('Relay.onUpstreamClose', 'gateway', state, (next) => {
    if (next.ended === 'no') {
      countUnacknowledged(next, rules);
      endRelay(next, 'service', rules);
      closeClient(next, rules);
    } else {
      next.heardAfterEnd += next.end.dropped.length;
    }
    next.end = GONE;
  });
}

/** An upstream that stayed for less than `STABLE_MS` continues its last interruption. */
function resumeStarts(state, rules) {
  const start = (name, dialsLeft) =>
    step(name, 'gateway', state, (next) => {
      countUnacknowledged(next, rules);
      if (rules.goesOn === 'unacknowledged')
        next.buffer.unshift(...next.end.sent.slice(next.end.acknowledged));
      next.end = GONE;
      Object.assign(next, { dial: 'waiting', dialsLeft });
      if (state.refusesNew) next.afterRefuseNew.begins = true;
    });
  const actions = [start('Relay.resume', DIALS)];
  if (state.counts.resumptions > 0) actions.push(start('Relay.resume (same interruption)', state.dialsLeft));
  return actions;
}

export function resumeActions(state, rules) {
  const { dial, late } = state;
  if (late.length > 0 && state.end.is === 'open') {
    return [
      step('RelayEnd.send', 'gateway', state, (next) => {
        send(next, next.late.shift());
      }),
    ];
  }
  switch (dial) {
    case 'waiting':
      return [waitEnds(state, rules)];
    case 'dialling':
      return dialEnds(state, rules);
    case 'none':
      return [];
    default:
      return connectionIsMade(state, rules);
  }
}

const giveUpStep = (name, by, state, rules) => step(name, by, state, (next) => giveUp(next, 0, rules));

/** The wait before a dial ends. */
function waitEnds(state, rules) {
  const { dialsLeft, refusesNew } = state;
  if (refusesNew && rules.asksBeforeDial)
    return giveUpStep('Relay.giveUp (drain before a dial)', 'time', state, rules);
  if (dialsLeft === 0) return giveUpStep('Relay.giveUp (time is over)', 'time', state, rules);
  return step('Resumption.dial', 'time', state, (next) => {
    next.dial = 'dialling';
    if (rules.dialsEnd) next.dialsLeft--;
    if (refusesNew) next.afterRefuseNew.dials = true;
  });
}

function dialEnds(state, rules) {
  const fail = step('Resumption.dial (fails)', 'time', state, (next) => void (next.dial = 'waiting'));
  if (!state.isUpstreamUp) return [fail];
  return [
    fail,
    step('Resumption.finish', 'peer', state, (next) => void (next.dial = 'connected')),
    giveUpStep('Relay.giveUp (upstream refuses)', 'peer', state, rules),
  ];
}

function connectionIsMade(state, rules) {
  const { dial, refusesNew, buffer } = state;
  if (refusesNew && rules.asksAfterDial)
    return [giveUpStep('Relay.giveUp (drain after a dial)', 'gateway', state, rules)];
  const open = (name, by, goOn) =>
    step(name, by, state, (next) => {
      const end = createUpstreamEnd(dial === 'connected' ? 'none' : 'no close frame');
      Object.assign(next, { end, dial: 'none' });
      goOn(next);
    });
  return [
    open('Relay.goOn', 'gateway', (next) => resume(next, buffer.length, rules)),
    ...buffer.map((_message, room) =>
      open(`Relay.goOn (room for ${room})`, 'peer', (next) => resume(next, room, rules)),
    ),
    open('Relay.goOn (other subprotocol)', 'peer', (next) => giveUp(next, 0, rules)),
  ];
}

/** @param room number of messages for which the byte budget has room */
function resume(next, room, rules) {
  const { buffer } = next;
  next.counts.resumptions++;
  if (next.refusesNew) next.afterRefuseNew.resumes = true;
  if (!rules.countsOnce) next.counts.lost += buffer.length;
  next.buffer = [];
  if (rules.goesOn === 'late') {
    next.late = buffer;
    return;
  }
  for (const [index, message] of buffer.entries()) {
    if (index < room) send(next, message);
    else if (index === room) evictSender(next, rules);
    else next.counts.lost++;
  }
}
