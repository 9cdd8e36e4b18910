import type { WebSocket } from 'ws';

/** What the receiver of `ws` holds. It has no public figure for it; the version is pinned, and a test reads these. */
interface Receiver {
  _bufferedBytes: number;
  _buffers: Buffer[];
  _messageLength: number;
  _fragments: Buffer[];
}

/** What a chunk takes beside its bytes: a peer may send a message byte by byte. Seen: 700. */
export const CHUNK_COST_BYTES = 1_024;

/** Bytes a second that a message must bring once it has taken longer than a side may be held back. */
const MINIMUM_RATE_BYTES = 1_024;

/** Bytes in memory of a message, or a frame, that is not complete yet; 0 between two. */
export function heldOfIncomplete(socket: WebSocket): number {
  const receiver = receiverOf(socket);
  const chunks = receiver._buffers.length + receiver._fragments.length;
  return chunks === 0 ? 0 : receiver._bufferedBytes + receiver._messageLength + chunks * CHUNK_COST_BYTES;
}

/** Forgets an incomplete message. The socket must not be read from any more: what follows would be no frame. */
export function dropIncomplete(socket: WebSocket): void {
  Object.assign(receiverOf(socket), { _bufferedBytes: 0, _buffers: [], _messageLength: 0, _fragments: [] });
}

function receiverOf(socket: WebSocket): Receiver {
  return (socket as unknown as { readonly _receiver: Receiver })._receiver;
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
