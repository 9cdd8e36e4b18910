import type { WebSocket } from 'ws';

/*
 * The one place that touches private parts of `ws`, as version 8.23.0 has them; package.json pins it. A new version must
 * pass the tests that each function names.
 */

/** Its reader of frames. */
interface Receiver {
  /** If false, the receiver emits its next event in the next turn of the event loop, and parses nothing until then. */
  _allowSynchronousEvents: boolean;
  /** Bytes and chunks of a frame that is not complete. */
  _bufferedBytes: number;
  _buffers: Buffer[];
  /** Bytes and fragments of a message that is not complete. */
  _messageLength: number;
  _fragments: Buffer[];
}

/**
 * Lets the receiver emit its next events at once, or each in the next turn of the event loop. `ws` has an option for it, and
 * no way to change it later. Test: websocket-many-frames.
 */
export function emitSynchronously(socket: WebSocket, isSynchronous: boolean): void {
  receiverOf(socket)._allowSynchronousEvents = isSynchronous;
}

/**
 * Bytes in memory of a message or frame that is not complete; 0 between two. `ws` has no public figure for them.
 * Test: relay-end.
 * @param chunkCostBytes added for each chunk and fragment
 */
export function incompleteBytesOf(socket: WebSocket, chunkCostBytes: number): number {
  const { _bufferedBytes, _buffers, _messageLength, _fragments } = receiverOf(socket);
  const chunks = _buffers.length + _fragments.length;
  return chunks === 0 ? 0 : _bufferedBytes + _messageLength + chunks * chunkCostBytes;
}

/**
 * Drops an incomplete message. The socket must not be read any more: what follows would be no frame. `ws` keeps it until the
 * connection has closed. Test: relay-end.
 */
export function dropIncomplete(socket: WebSocket): void {
  Object.assign(receiverOf(socket), { _bufferedBytes: 0, _buffers: [], _messageLength: 0, _fragments: [] });
}

function receiverOf(socket: WebSocket): Receiver {
  return (socket as unknown as { readonly _receiver: Receiver })._receiver;
}
