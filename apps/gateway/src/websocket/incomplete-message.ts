import type { WebSocket } from 'ws';

/** What the receiver of `ws` holds. It has no public figure for it; the version is pinned, and a test reads these. */
interface Receiver {
  readonly _bufferedBytes: number;
  readonly _buffers: readonly Buffer[];
  readonly _messageLength: number;
  readonly _fragments: readonly Buffer[];
}

/** What a chunk takes beside its bytes: a peer may send a message byte by byte. Seen: 700. */
const CHUNK_COST_BYTES = 1_024;

/** Bytes a second that a message must bring once it has taken longer than a side may be held back. */
const MINIMUM_RATE_BYTES = 1_024;

/** Bytes in memory of a message, or a frame, that is not complete yet; 0 between two. */
export function heldOfIncomplete(socket: WebSocket): number {
  const receiver = (socket as unknown as { readonly _receiver: Receiver })._receiver;
  const chunks = receiver._buffers.length + receiver._fragments.length;
  return chunks === 0 ? 0 : receiver._bufferedBytes + receiver._messageLength + chunks * CHUNK_COST_BYTES;
}

/** What a side has read. */
interface ReadCounts {
  readonly messages: number;
  readonly bytes: number;
}

/** Finds a message that comes too slowly. */
export class IncompleteMessageRate {
  /** When the incomplete message was first seen, and what had been read by then. */
  private since = 0;
  private from: ReadCounts = { messages: -1, bytes: 0 };

  /**
   * Whether the incomplete message has been coming for longer than the limit, below the minimum rate.
   * @param isComing whether a message is incomplete and its side is read from
   */
  isTooSlow(now: number, limitMs: number, read: ReadCounts, isComing: boolean): boolean {
    if (!isComing || this.from.messages !== read.messages) {
      this.since = now;
      this.from = read;
      return false;
    }
    const elapsedMs = now - this.since;
    return elapsedMs > limitMs && read.bytes - this.from.bytes < (elapsedMs / 1000) * MINIMUM_RATE_BYTES;
  }
}
