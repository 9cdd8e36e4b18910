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
    holds: ({ afterRefuseNew }) => !afterRefuseNew.begins,
  },
  {
    name: 'no upstream is dialled after refuseNew',
    guarantee: 'G7',
    holds: ({ afterRefuseNew }) => !afterRefuseNew.dials,
  },
  {
    name: 'no upstream is resumed after refuseNew',
    guarantee: 'G7',
    holds: ({ afterRefuseNew }) => !afterRefuseNew.resumes,
  },
  {
    name: 'a client that stays gets a close frame',
    guarantee: 'G7',
    holds: (state) => !isGone(state) || state.ended === 'client' || state.gotClose,
  },
];

/** @param rules of the model: `countsAfterEnd` says which losses must be counted */
export const createInvariants = ({ countsAfterEnd }) => [
  ...INVARIANTS,
  {
    name: 'every loss is counted',
    guarantee: 'G12',
    holds: (state) => {
      const { counts, end, heardAfterEnd } = state;
      // The gateway counts when it hears that the connection has ended.
      const excused = end.dropped.length + (countsAfterEnd ? 0 : heardAfterEnd);
      return countMissing(state) <= counts.lost + counts.unacknowledged + excused;
    },
  },
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
    name: 'a drain that begins during the wait for a dial',
    holds: ({ refusesNew, dial }) => refusesNew && dial === 'waiting',
  },
  {
    name: 'a drain that begins during a dial, and a connection that is made then',
    holds: ({ refusesNew, dial }) => refusesNew && dial === 'connected',
  },
  {
    name: 'a message without room in the byte budget',
    holds: ({ counts, restarts }) => counts.lost === 1 && restarts === 0,
  },
  {
    name: 'two buffered messages without room in the byte budget',
    holds: ({ counts, restarts }) => counts.lost === 2 && counts.resumptions === 1 && restarts === 1,
  },
  {
    name: 'an interruption without time for another dial',
    holds: ({ dial, dialsLeft, refusesNew }) => dial === 'waiting' && dialsLeft === 0 && !refusesNew,
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
    change: 'a message that the resume buffer refuses is not counted',
    rules: { countsOverflow: false },
    invariant: 'every loss is counted',
  },
  {
    change: 'a message without room in the byte budget is not counted',
    rules: { countsNoRoom: false },
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
    rules: { asksBeforeResuming: false },
    invariant: 'no resumption begins after refuseNew',
  },
  {
    change: 'a resumption that is under way dials on though the drain has begun',
    rules: { asksBeforeDial: false },
    invariant: 'no upstream is dialled after refuseNew',
  },
  {
    change: 'a connection that is made when the drain has begun is used',
    rules: { asksAfterDial: false },
    invariant: 'no upstream is resumed after refuseNew',
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

/**
 * What the code does not promise: the rule that asks for it, and the invariant that does not hold then. A relay may end while
 * messages are on the upstream's connection. If the upstream does not read them, they are lost, and the code does not count
 * them: it counts at the end of the connection, and only if the relay has not ended.
 */
export const DEVIATIONS = [
  {
    change: 'losses that the gateway hears of after the end of the relay are counted',
    rules: { countsAfterEnd: true },
    invariant: 'every loss is counted',
  },
];
