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

/** Bytes in memory of a message, or a frame, that is not complete yet; 0 between two. */
export function heldOfIncomplete(socket: WebSocket): number {
  const receiver = (socket as unknown as { readonly _receiver: Receiver })._receiver;
  const chunks = receiver._buffers.length + receiver._fragments.length;
  return chunks === 0 ? 0 : receiver._bufferedBytes + receiver._messageLength + chunks * CHUNK_COST_BYTES;
}
