import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import * as ws from 'ws';
import { WebSocket } from 'ws';
import { DeflateExtension, type MessageCodec } from './message-codec.js';

/*
 * Uses private parts of `ws`, as version 8.23.0 has them; package.json pins it. Only this file uses any. A new version must
 * pass the tests that the functions name.
 */

/** Offers of an extension: the parameters of each, with the values of each; `true` stands for no value. */
export type ExtensionOffers = readonly Readonly<Record<string, readonly (string | true)[]>>[];

/**
 * Parses `Sec-WebSocket-Extensions` (RFC 6455, section 9.1): the offers of each extension, by its name. Public, but its types
 * lack it. Test: compression. @throws SyntaxError if the value is invalid
 */
export const parseExtensions = (
  ws as unknown as { readonly extension: { parse(value: string): Readonly<Record<string, ExtensionOffers>> } }
).extension.parse;

/** A `WebSocket` without an address, which `ws` makes for a connection of its server. */
const ConnectedWebSocket = WebSocket as unknown as new (
  address: null,
  protocols: undefined,
  options: object,
) => WebSocket & {
  _isServer: boolean;
  _protocol: string;
  _extensions: Record<string, object>;
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
  /** Compresses messages either way, if permessage-deflate was negotiated. */
  readonly codec?: MessageCodec | undefined;
}

/**
 * Makes the WebSocket of a connection. `ws` has no public way but its own handshakes. Tests: forwarding, subprotocol.
 * @param options of `ws`, for the socket and its reader of frames
 */
export function createWebSocket(
  { stream, early, subprotocol, isServer, codec }: UpgradedConnection,
  options: object,
): WebSocket {
  const socket = new ConnectedWebSocket(null, undefined, options);
  socket._isServer = isServer;
  socket._protocol = subprotocol;
  if (codec) {
    const fail = (closeCode: number, code: string): Error =>
      receiverOf(socket).createError(Error, 'invalid compressed message', true, closeCode, code);
    const stop = (): void => socket.terminate();
    socket._extensions = { [EXTENSION]: new DeflateExtension(codec, fail, stop) };
  }
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

const EXTENSION = 'permessage-deflate';

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
  _extensions: { readonly [EXTENSION]?: DeflateExtension };
  createError(
    type: ErrorConstructor,
    message: string,
    hasPrefix: boolean,
    closeCode: number,
    code: string,
  ): Error;
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
  const { _bufferedBytes, _buffers, _messageLength, _fragments, _extensions } = receiverOf(socket);
  const deflated = _extensions[EXTENSION]?.fragments ?? [];
  const chunks = _buffers.length + _fragments.length + deflated.length;
  if (chunks === 0) return 0;
  const deflatedBytes = deflated.reduce((sum, { length }) => sum + length, 0);
  return _bufferedBytes + _messageLength + deflatedBytes + chunks * chunkCostBytes;
}

/**
 * Drops an incomplete message, which `ws` would keep until the connection has closed. The socket must not be read
 * afterwards: the next bytes are not the start of a frame. Test: relay-end.
 */
export function dropIncomplete(socket: WebSocket): void {
  const receiver = receiverOf(socket);
  Object.assign(receiver, { _bufferedBytes: 0, _buffers: [], _messageLength: 0, _fragments: [] });
  receiver._extensions[EXTENSION]?.cleanup();
}

function receiverOf(socket: WebSocket): Receiver {
  return (socket as unknown as { readonly _receiver: Receiver })._receiver;
}
