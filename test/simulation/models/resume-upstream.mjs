import { step } from './explore.mjs';
import {
  breakConnection,
  close,
  closeClient,
  countUnacknowledged,
  createUpstreamEnd,
  endRelay,
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
    const resumes = ended === 'no' && !(rules.asksRefusesNew && refusesNew);
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
      next.unheard += next.end.dropped.length;
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
      Object.assign(next, { dial: 'dialling', dialsLeft });
      if (state.refusesNew) next.resumedAfterRefusal = true;
    });
  const actions = [start('Relay.resume', DIALS)];
  if (state.counts.resumptions > 0) actions.push(start('Relay.resume (same interruption)', state.dialsLeft));
  return actions;
}

export function resumeActions(state, rules) {
  const { dial, dialsLeft, isUpstreamUp, late } = state;
  if (late.length > 0 && state.end.is === 'open') {
    return [
      step('RelayEnd.send', 'gateway', state, (next) => {
        send(next, next.late.shift());
      }),
    ];
  }
  if (dial === 'dialling') {
    if (dialsLeft === 0) return [giveUpStep('Relay.giveUp', 'gateway', state, rules)];
    const use = (next) => void (next.dialsLeft -= rules.dialsEnd ? 1 : 0);
    const connect = step('Resumption.dial', 'peer', state, (next) => {
      use(next);
      next.dial = 'connected';
    });
    return [
      step('Resumption.dial (fails)', 'time', state, use),
      ...(isUpstreamUp ? [connect, giveUpStep('Relay.giveUp (upstream refuses)', 'peer', state, rules)] : []),
    ];
  }
  return dial === 'none' ? [] : goOn(state, rules);
}

function giveUpStep(name, by, state, rules) {
  return step(name, by, state, (next) => giveUp(next, 0, rules));
}

function goOn(state, rules) {
  const { dial, refusesNew, buffer } = state;
  const fault = dial === 'connected' ? 'none' : 'no close frame';
  const open = (name, by, sendAll) =>
    step(name, by, state, (next) => {
      Object.assign(next, { end: createUpstreamEnd(fault), dial: 'none' });
      sendAll(next);
    });
  const resume = (sendAll) => (next) => {
    next.counts.resumptions++;
    if (refusesNew) next.completedAfterRefusal = true;
    if (!rules.countsOnce) next.counts.lost += buffer.length;
    next.buffer = [];
    sendAll(next);
  };
  const sendOn = (next) => {
    if (rules.goesOn === 'late') next.late = buffer;
    else for (const message of buffer) send(next, message);
  };
  const actions = [
    open('Relay.goOn', 'gateway', resume(sendOn)),
    open('Relay.goOn (other subprotocol)', 'peer', (next) => giveUp(next, 0, rules)),
  ];
  if (rules.hasBudget && buffer.length > 0) {
    const evict = (next) => {
      close(next, rules);
      next.counts.lost += buffer.length - 1;
    };
    actions.push(open('Relay.goOn (no room)', 'peer', resume(evict)));
  }
  return actions;
}
