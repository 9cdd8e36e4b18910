/** What the code does within one call, in the model of resume. */

/** The upstream's end. `fault` is what its upstream did to it, `is` what the gateway knows: `closing` has had a close frame. */
export const createUpstreamEnd = (fault = 'none') => ({
  is: 'open',
  fault,
  sent: [],
  acknowledged: 0,
  pinged: 0,
  wire: [],
  pong: 0,
  dropped: [],
});

export const GONE = { ...createUpstreamEnd(), is: 'gone' };

export function endRelay(next, by, { countsBuffer }) {
  if (next.ended !== 'no') return;
  next.ended = by;
  next.dial = 'none';
  if (countsBuffer) next.counts.lost += next.buffer.length;
  next.buffer = [];
}

export function close(next, rules) {
  if (next.ended !== 'no') return;
  endRelay(next, 'gateway', rules);
  closeClient(next, rules);
}

export function closeClient(next, { closes1012 }) {
  if (next.client !== 'open') return;
  next.client = 'closing';
  next.gotClose = closes1012;
}

export function giveUp(next, more, rules) {
  if (rules.countsOverflow) next.counts.lost += more;
  close(next, rules);
}

/** The budget has no room for a message of the client: the relay ends, and the message is not sent. */
export function evictSender(next, rules) {
  close(next, rules);
  if (rules.countsNoRoom) next.counts.lost++;
}

export function send(next, message) {
  const { end } = next;
  end.sent.push(message);
  if (end.fault === 'none') end.wire.push(message);
  else end.dropped.push(message);
}

/** The upstream reads nothing more. */
export function breakConnection(end, fault) {
  end.fault = fault;
  end.dropped.push(...end.wire.filter((each) => typeof each === 'number'));
  end.wire = [];
}

export function countUnacknowledged(next, { countsUnacknowledged }) {
  const { sent, acknowledged } = next.end;
  if (countsUnacknowledged) next.counts.unacknowledged += sent.length - acknowledged;
}
