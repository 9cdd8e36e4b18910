import { CLOSE_REASON, type CloseReason } from './close-reasons.js';
import type { RelayEnd } from './relay-end.js';

/** The reason to close a relay whose end does not read, or sends a message too slowly; undefined if none does. */
export function findStall(
  clientEnd: RelayEnd,
  upstreamEnd: RelayEnd,
  now: number,
  limitMs: number,
): CloseReason | undefined {
  const { CLIENT_STALLED: client, UPSTREAM_STALLED: upstream } = CLOSE_REASON;
  if (clientEnd.isPausedLonger(now, limitMs)) return clientEnd.isPausedByItself ? client : upstream;
  if (upstreamEnd.isPausedLonger(now, limitMs)) return upstreamEnd.isPausedByItself ? upstream : client;
  const isTooSlow = clientEnd.isTooSlow(now, limitMs) || upstreamEnd.isTooSlow(now, limitMs);
  return isTooSlow ? CLOSE_REASON.MESSAGE_TOO_SLOW : undefined;
}
