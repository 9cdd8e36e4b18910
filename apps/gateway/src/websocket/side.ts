import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { ByteBudget } from './byte-budget.js';
import { CODE, codeOfViolation } from './close-codes.js';

/** Bytes that may wait for a slow reader before the other side is held back and the budget is asked. */
const HIGH_WATER_BYTES = 32 * 1024;

/** Part of an incomplete message up to which the budget is not asked: most messages are far smaller. */
const UNCOUNTED_BYTES = 32 * 1024;

/** Pings without an answer after which a peer is gone. */
const MISSED_PONGS = 2;

/** The least that a control frame takes beside its payload. */
const FRAME_HEADER_BYTES = 2;

const TEXT = { binary: false, compress: false } as const;
const BINARY = { binary: true, compress: false } as const;

/** What a side reports. */
export interface SideListener {
  onMessage(side: Side, data: Buffer, isBinary: boolean): void;
  /** The peer has asked whether somebody is there; `ws` has answered. */
  onPing(side: Side): void;
  /** The connection is gone. @param violation the code of what its peer did wrong, where it did */
  onClose(side: Side, code: number, reason: Buffer, violation: number | undefined): void;
  /** There is no room for what the side sends or should be sent. */
  onOverBudget(): void;
}

/** One side of a relay: a socket that sends within bounds, is held back where the other side is slow, and is pinged. */
export class Side {
  /** Since when this side is not read from because the other does not keep up; 0 while it is. */
  private heldSince = 0;
  private missedPongs = 0;
  private messagesSent = 0;
  private messagesAtPing = 0;
  /** How many messages came before the last ping that was answered. */
  private messagesProven = 0;
  private violation: number | undefined;
  /** Bytes read of a message that is not complete yet. */
  private partialBytes = 0;
  private budgetedBytes = 0;

  constructor(
    readonly socket: WebSocket,
    private readonly stream: Socket,
    private readonly budget: ByteBudget,
    private readonly listener: SideListener,
  ) {
    // Before `ws` reads the same bytes, so that a message ends the count of its own.
    stream.prependListener('data', this.onData);
    socket.on('message', this.onMessage);
    socket.on('ping', this.onPing);
    socket.on('pong', this.onPong);
    socket.on('error', (error) => (this.violation ??= codeOfViolation(error)));
    socket.once('close', this.onClose);
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Sends a message that came from `source`, which is held back until this side has taken it. */
  send(data: Buffer, isBinary: boolean, source: Side): void {
    const options = isBinary ? BINARY : TEXT;
    this.messagesSent++;
    if (this.socket.bufferedAmount + data.length < HIGH_WATER_BYTES) {
      this.socket.send(data, options);
      return;
    }
    if (!this.budget.take(data.length)) {
      this.listener.onOverBudget();
      return;
    }
    source.hold();
    this.socket.send(data, options, (error) => {
      this.budget.giveBack(data.length);
      // A connection that broke keeps its figure, and nothing will lower it.
      if (error || this.socket.bufferedAmount < HIGH_WATER_BYTES) source.release();
    });
  }

  /** Sends what the gateway itself has to say. */
  say(text: string): void {
    this.socket.send(text, TEXT);
  }

  /** Messages that were written to the connection and that no answered ping proves to have arrived. */
  get messagesInDoubt(): number {
    return this.messagesSent - this.messagesProven;
  }

  isHeldLonger(now: number, limitMs: number): boolean {
    return this.heldSince !== 0 && now - this.heldSince > limitMs;
  }

  /** Asks the peer whether it is there, or ends the connection. */
  ping(): void {
    // From a side that is held back no answer can be read.
    if (!this.isOpen || this.heldSince !== 0) return;
    if (this.missedPongs >= MISSED_PONGS) {
      this.socket.terminate();
      return;
    }
    this.missedPongs++;
    this.messagesAtPing = this.messagesSent;
    this.socket.ping();
  }

  /** Begins the closing handshake. @param code `CODE.NONE` for a close frame without one */
  close(code: number, reason: string | Buffer): void {
    // A peer that is held back could not answer the close frame.
    this.release();
    if (code === CODE.NONE) this.socket.close();
    else this.socket.close(code, reason);
  }

  /** Ends the connection at once. */
  terminate(): void {
    this.socket.terminate();
  }

  private hold(): void {
    if (this.heldSince !== 0 || !this.isOpen) return;
    this.heldSince = performance.now();
    this.socket.pause();
  }

  private release(): void {
    if (this.heldSince === 0) return;
    this.heldSince = 0;
    this.socket.resume();
  }

  private readonly onData = (chunk: Buffer): void => {
    this.partialBytes += chunk.length;
    const more = this.partialBytes - UNCOUNTED_BYTES - this.budgetedBytes;
    if (more <= 0) return;
    if (this.budget.take(more)) this.budgetedBytes += more;
    else this.listener.onOverBudget();
  };

  private readonly onMessage = (data: Buffer, isBinary: boolean): void => {
    this.forgetPartial();
    this.listener.onMessage(this, data, isBinary);
  };

  /** Control frames may come in the middle of a message; they are no part of it. */
  private readonly onControlFrame = (payload: Buffer): void => {
    this.partialBytes = Math.max(0, this.partialBytes - payload.length - FRAME_HEADER_BYTES);
  };

  private readonly onPing = (payload: Buffer): void => {
    this.onControlFrame(payload);
    this.listener.onPing(this);
  };

  private readonly onPong = (payload: Buffer): void => {
    this.onControlFrame(payload);
    this.missedPongs = 0;
    this.messagesProven = this.messagesAtPing;
  };

  private readonly onClose = (code: number, reason: Buffer): void => {
    this.forgetPartial();
    this.stream.off('data', this.onData);
    this.listener.onClose(this, code, reason, this.violation);
  };

  private forgetPartial(): void {
    this.partialBytes = 0;
    if (this.budgetedBytes === 0) return;
    this.budget.giveBack(this.budgetedBytes);
    this.budgetedBytes = 0;
  }
}
