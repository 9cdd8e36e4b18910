import { COMMON_INVARIANTS } from './explore.mjs';

/** What must hold in the model of resume, what it must be able to reach, and the mutants that it must refute. */

/** Messages that no upstream has read and none will. */
function countMissing({ accepted, received, end, buffer, late }) {
  const onItsWay = end.wire.filter((each) => typeof each === 'number').length + buffer.length + late.length;
  return accepted - received.length - onItsWay;
}

const isGone = ({ ended, client, end }) => ended !== 'no' && client === 'gone' && end.is === 'gone';

const INVARIANTS = [
  {
    name: 'messages arrive in order, and none twice',
    guarantee: 'G12',
    holds: ({ received }) => received.every((message, index) => index === 0 || received[index - 1] < message),
  },
  {
    name: 'no acknowledged message is lost',
    guarantee: 'G12',
    holds: ({ acknowledged, received }) => acknowledged.every((message) => received.includes(message)),
  },
  {
    name: 'a message that is counted as lost does not arrive',
    guarantee: 'G12',
    holds: (state) => state.counts.lost <= countMissing(state),
  },
  {
    name: 'no resumption begins after refuseNew',
    guarantee: 'G7',
    holds: ({ resumedAfterRefusal }) => !resumedAfterRefusal,
  },
  {
    name: 'a client that stays gets a close frame',
    guarantee: 'G7',
    holds: (state) => !isGone(state) || state.ended === 'client' || state.gotClose,
  },
];

/** @param rules of the model: two of them say how much is promised */
export const createInvariants = ({ excusesUnheard, mayResumeLate }) => [
  ...INVARIANTS,
  {
    name: 'every loss is counted',
    guarantee: 'G12',
    holds: (state) => {
      const { counts, end, unheard } = state;
      // Until the gateway hears of the end of a connection, it cannot count.
      const excused = end.dropped.length + (excusesUnheard ? unheard : 0);
      return countMissing(state) <= counts.lost + counts.unacknowledged + excused;
    },
  },
  ...(mayResumeLate
    ? []
    : [
        {
          name: 'no upstream is resumed after refuseNew',
          guarantee: 'G7',
          holds: ({ completedAfterRefusal }) => !completedAfterRefusal,
        },
      ]),
];

export const MUST_REACH = [
  {
    name: 'two resumptions after which all messages have arrived',
    holds: ({ counts, received }) => counts.resumptions === 2 && received.length === 3,
  },
  {
    name: 'a message that was acknowledged before a restart',
    holds: ({ acknowledged, restarts }) => acknowledged.length > 0 && restarts > 0,
  },
  {
    name: 'a full buffer, and one message more',
    holds: ({ counts, restarts }) => counts.lost === 3 && restarts === 1,
  },
  {
    name: 'a message that was read and is counted as unacknowledged',
    holds: ({ counts, received }) => counts.unacknowledged === 3 && received.length === 3,
  },
  {
    name: 'a message that was lost with its connection',
    holds: ({ counts, received, buffer, end, accepted }) =>
      counts.unacknowledged > 0 && received.length + buffer.length < accepted && end.is === 'gone',
  },
  {
    name: 'a drain during a resumption',
    holds: ({ refusesNew, dial }) => refusesNew && dial === 'dialling',
  },
  {
    name: 'a resumption that gives up',
    holds: ({ ended, dialsLeft, restarts, buffer }) =>
      ended === 'gateway' && dialsLeft === 0 && restarts > 0 && buffer.length === 0,
  },
];

/** Changed rules, and the invariant that must refute each. */
export const MUTANTS = [
  {
    change: 'a resumed relay sends buffered messages after new ones',
    rules: { goesOn: 'late' },
    invariant: 'messages arrive in order, and none twice',
  },
  {
    change: 'a resumed relay sends again what was not acknowledged',
    rules: { goesOn: 'unacknowledged' },
    invariant: 'messages arrive in order, and none twice',
  },
  {
    change: 'a pong acknowledges messages that were sent after its ping',
    rules: { acknowledges: 'before pong' },
    invariant: 'no acknowledged message is lost',
  },
  {
    change: 'the message that overflows the buffer is not counted',
    rules: { countsOverflow: false },
    invariant: 'every loss is counted',
  },
  {
    change: 'messages that wait at the end of the relay are not counted',
    rules: { countsBuffer: false },
    invariant: 'every loss is counted',
  },
  {
    change: 'messages without a pong are not counted',
    rules: { countsUnacknowledged: false },
    invariant: 'every loss is counted',
  },
  {
    change: 'the buffer is counted as lost when the relay goes on',
    rules: { countsOnce: false },
    invariant: 'a message that is counted as lost does not arrive',
  },
  {
    change: 'an upstream is resumed though new relays are refused',
    rules: { asksRefusesNew: false },
    invariant: 'no resumption begins after refuseNew',
  },
  {
    change: 'the client is ended without a close frame',
    rules: { closes1012: false },
    invariant: 'a client that stays gets a close frame',
  },
  {
    change: 'an upstream is dialled without a limit of time',
    rules: { dialsEnd: false },
    invariant: COMMON_INVARIANTS.ENDLESS.name,
  },
];

/** What the code does not promise: the rule that asks for it, and the invariant that does not hold then. */
export const DEVIATIONS = [
  {
    change: 'losses are counted also when the relay ended before the gateway heard of them',
    rules: { excusesUnheard: false },
    invariant: 'every loss is counted',
  },
  {
    change: 'no resumption ends after refuseNew',
    rules: { mayResumeLate: false },
    invariant: 'no upstream is resumed after refuseNew',
  },
  {
    change: 'a message without room in the byte budget is counted',
    rules: { hasBudget: true },
    invariant: 'every loss is counted',
  },
];
