/** The share of arrivals that wait for the next one of their direction, if that is under way before: one read has both. */
const JOIN_SHARE = 0.3;

/** Most bytes of one read, as in Node. */
export const READ_BYTES = 64 * 1024;

/** One direction of a connection. */
export class Direction {
  /** Writes that wait for room: `{ bytes, done }`. */
  writes = [];
  bytesOnTheWay = 0;
  bytesSent = 0;
  bytesArrived = 0;
  /** `[bytesArrived, time]` of each arrival; undefined if nobody asks. */
  arrivals;
  /** Bytes that are on their way and that nothing else of this end follows: `{ parts, length, timer }`. */
  last;
  /** Whether this end has reset the connection. */
  hasSentReset = false;
  /** Whether its reset has overtaken its bytes: nothing of it arrives any more. */
  isLost = false;
  /** When the last bytes arrive: none overtake them. */
  lastArrival = 0;
  /** Set by a fault: the connection is reset once so many bytes were sent. */
  resetAfter = Infinity;
  /** Set by a fault: nothing arrives before this moment. */
  stalledUntil = 0;

  /** The arrival of bytes that are sent now: one of their own, or one with the bytes before them, which wait for them. */
  join(bytes, random) {
    const { last } = this;
    const isJoined = last && last.length + bytes.length <= READ_BYTES && random.chance(JOIN_SHARE);
    if (!isJoined) return { parts: [bytes], length: bytes.length };
    clearTimeout(last.timer);
    return { parts: [...last.parts, bytes], length: last.length + bytes.length };
  }
}
