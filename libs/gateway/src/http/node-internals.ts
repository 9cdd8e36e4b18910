import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { WebSocket } from 'ws';

/*
 * Uses private parts of Node, as version 24 has them, and of `ws`, as version 8.23.0 has them;
 * package.json pins both. Only this file and the one of the same name in `libs/proxy` use any. A new version must pass the
 * tests that the functions name.
 */

/**
 * The response that is pending on a connection, also before its first byte; undefined if none is due. Node has no
 * public property for it. Test: half-close.
 */
export function pendingResponseOf(socket: Socket): ServerResponse | undefined {
  return (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/**
 * Keeps a connection open for its pending responses after its client has ended its half. By default Node's server drops
 * these responses and ends the connection. Node has no option for it. Test: half-close.
 */
export function allowHalfOpen(server: Server): void {
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
}

/**
 * A copy of the bytes that the parser of a connection is reading now; undefined between two reads. The parser accepts
 * RTSP as HTTP and does not report the difference: only the bytes show it. Test: request-grammar.
 */
export function copyParsedBytes(socket: Socket): Buffer | undefined {
  const { parser } = socket as { parser?: { getCurrentBuffer?: () => Buffer } };
  return parser?.getCurrentBuffer?.();
}

/**
 * Lets a paused connection read one more chunk only. By default Node reads on until 64 KiB wait, with one buffer for
 * each chunk: 65,536 buffers, 10 MB, if the other end sends byte by byte. Connections that are not paused are read as
 * before. Node has no public way to change the high-water mark of a socket that it has created. Test: relay-end.
 */
export function limitReadAhead(socket: Socket): void {
  (socket as unknown as { readonly _readableState: { highWaterMark: number } })._readableState.highWaterMark =
    1;
}

/** A `WebSocket` without an address, which `ws` makes for a connection of its server. */
const ConnectedWebSocket = WebSocket as unknown as new (
  address: null,
  protocols: undefined,
  options: object,
) => WebSocket & {
  _isServer: boolean;
  _protocol: string;
  setSocket(stream: Socket, early: Buffer, options: object): void;
};

/** A connection whose opening handshake is complete. */
export interface UpgradedConnection {
  readonly stream: Socket;
  /** Bytes that came right behind the handshake. */
  readonly early: Buffer;
  /** The subprotocol; empty if there is none. */
  readonly subprotocol: string;
  /** Whether the gateway is the server of the connection. A client masks its frames. */
  readonly isServer: boolean;
}

/**
 * Makes the WebSocket of a connection. `ws` has no public way but its own handshakes. Tests: forwarding, subprotocol.
 * @param options of `ws`, for the socket and its reader of frames
 */
export function createWebSocket(
  { stream, early, subprotocol, isServer }: UpgradedConnection,
  options: object,
): WebSocket {
  const socket = new ConnectedWebSocket(null, undefined, options);
  socket._isServer = isServer;
  socket._protocol = subprotocol;
  socket.setSocket(stream, early, options);
  stream.end = endOnce;
  receiverOf(socket).end = endOnce;
  return socket;
}

/**
 * The `end` of a stream that ends once. `ws` ends both streams of a socket up to four times, and Node makes an error with
 * its stack for each time after the first, a tenth of the CPU time of a handshake. One function for all: a closure for each
 * connection would stay in V8's old generation.
 */
function endOnce<Stream extends Writable>(this: Stream, ...parameters: unknown[]): Stream {
  if (this.writableEnded && parameters.length === 0) return this;
  const { end } = Object.getPrototypeOf(this) as { end(...parameters: unknown[]): Stream };
  return end.apply(this, parameters);
}

/** The states of a receiver in which it begins a frame, and in which it waits for `startLoop`. */
const GET_INFO = 0;
const DEFER_EVENT = 6;

/** Continues a receiver that waits in `holdFrames`. */
const HELD = Symbol('held');
/** The listener of `deferViolations`, and the one of `ws` in whose place it is. */
const VIOLATIONS = Symbol('violations');

/** The reader of frames in `ws`. */
interface Receiver extends Writable {
  /** If false, the receiver emits its next event in the next turn of the event loop, and parses nothing until then. */
  _allowSynchronousEvents: boolean;
  /** Bytes and chunks of an incomplete frame. */
  _bufferedBytes: number;
  _buffers: Buffer[];
  /** Bytes and fragments of an incomplete message. */
  _messageLength: number;
  _fragments: Buffer[];
  _state: number;
  /** Begins a frame. */
  getInfo(done: () => void): void;
  /** Reads frames until the bytes are used up. */
  startLoop(done: () => void): void;
  [HELD]?: (() => void) | undefined;
  [VIOLATIONS]?: { readonly listener: ViolationListener; readonly close: (error: Error) => void };
}

/**
 * Lets the receiver emit its next events at once, or each in the next turn of the event loop. The option of `ws` cannot
 * be changed after the handshake. Test: many-frames.
 */
export function emitSynchronously(socket: WebSocket, isSynchronous: boolean): void {
  receiverOf(socket)._allowSynchronousEvents = isSynchronous;
}

/**
 * Lets the receiver begin no further frame, also of those that have arrived, until `releaseFrames`. `ws` can only pause the
 * connection: it would handle all frames of the present chunk. Test: message-rate.
 */
export function holdFrames(socket: WebSocket): void {
  receiverOf(socket).getInfo = waitForRelease;
}

/** Lets the receiver begin frames again, those that have arrived at once. */
export function releaseFrames(socket: WebSocket): void {
  const receiver = receiverOf(socket);
  receiver.getInfo = (Object.getPrototypeOf(receiver) as Receiver).getInfo;
  const done = receiver[HELD];
  if (done === undefined) return;
  receiver[HELD] = undefined;
  receiver._state = GET_INFO;
  receiver.startLoop(done);
}

function waitForRelease(this: Receiver, done: () => void): void {
  this[HELD] = done;
  this._state = DEFER_EVENT;
}

/** Decides when a socket is closed whose other end broke a rule of the protocol. */
export interface ViolationListener {
  /** @param close closes the socket with the code of the rule, and discards all bytes that arrive */
  onViolation(error: Error, close: () => void): void;
}

/**
 * Leaves it to a listener when a socket is closed whose other end broke a rule. `ws` closes it at once, so that messages on
 * the way to it are lost. Until it is closed, the socket must not be read. Test: frames-violations.
 */
export function deferViolations(socket: WebSocket, listener: ViolationListener): void {
  const receiver = receiverOf(socket);
  const [close] = receiver.listeners('error') as ((error: Error) => void)[];
  receiver[VIOLATIONS] = { listener, close: close! };
  receiver.off('error', close!).on('error', reportViolation);
}

function reportViolation(this: Receiver, error: Error): void {
  const { listener, close } = this[VIOLATIONS]!;
  listener.onViolation(error, () => close.call(this, error));
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
