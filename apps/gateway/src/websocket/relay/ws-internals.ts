import type { WebSocket } from 'ws';

/*
 * The only file that uses private parts of `ws`, as version 8.23.0 has them; package.json pins that version. A new
 * version must pass the tests that the functions name.
 */

/** The reader of frames in `ws`. */
interface Receiver {
  /** If false, the receiver emits its next event in the next turn of the event loop, and parses nothing until then. */
  _allowSynchronousEvents: boolean;
  /** Bytes and chunks of an incomplete frame. */
  _bufferedBytes: number;
  _buffers: Buffer[];
  /** Bytes and fragments of an incomplete message. */
  _messageLength: number;
  _fragments: Buffer[];
}

/**
 * Lets the receiver emit its next events at once, or each in the next turn of the event loop. The option of `ws` cannot
 * be changed after the handshake. Test: many-frames.
 */
export function emitSynchronously(socket: WebSocket, isSynchronous: boolean): void {
  receiverOf(socket)._allowSynchronousEvents = isSynchronous;
}

/**
 * Bytes in memory of an incomplete message or frame; 0 between two messages. `ws` has no public property for them.
 * Test: relay-end.
 * @param chunkCostBytes added for each chunk and fragment
 */
export function incompleteBytesOf(socket: WebSocket, chunkCostBytes: number): number {
  const { _bufferedBytes, _buffers, _messageLength, _fragments } = receiverOf(socket);
  const chunks = _buffers.length + _fragments.length;
  return chunks === 0 ? 0 : _bufferedBytes + _messageLength + chunks * chunkCostBytes;
}

/**
 * Drops an incomplete message, which `ws` would keep until the connection has closed. The socket must not be read
 * afterwards: the next bytes are not the start of a frame. Test: relay-end.
 */
export function dropIncomplete(socket: WebSocket): void {
  Object.assign(receiverOf(socket), { _bufferedBytes: 0, _buffers: [], _messageLength: 0, _fragments: [] });
}

function receiverOf(socket: WebSocket): Receiver {
  return (socket as unknown as { readonly _receiver: Receiver })._receiver;
}
