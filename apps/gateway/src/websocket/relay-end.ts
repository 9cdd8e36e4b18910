import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { BudgetShare, type BudgetAccount, type ByteBudget } from './byte-budget.js';
import { CODE, codeOfViolation } from './close-reasons.js';
import { FramePace } from './frame-pace.js';
import { dropIncomplete, heldOfIncomplete, IncompleteMessageRate } from './incomplete-message.js';
import { OutgoingFrames } from './outgoing-frames.js';
import { limitReadAhead } from './read-ahead.js';
import type { RelayConnection } from './upstream-websocket.js';
import type { RelayEndListener } from './relay-end-listener.js';

/** Pings without an answer after which a peer is gone. */
const MISSED_PONGS = 2;

/** Who holds a side back: the other one, which does not keep up, or itself, which does not read its own answers. */
const BY_OTHER = 1;
const BY_ITSELF = 2;

/** One side of a relay: a socket that sends within bounds, is held back where the other side is slow, and is pinged. */
export class RelayEnd {
  readonly socket: WebSocket;
  private readonly stream: Socket;
  private readonly incoming: BudgetShare;
  private readonly outgoing: OutgoingFrames;
  private readonly pace: FramePace;

  private messagesRead = 0;
  private readonly incompleteRate = new IncompleteMessageRate();
  private messagesSent = 0;
  /** How many messages came before the last ping that was answered. */
  private messagesAcknowledged = 0;
  private missedPongs = 0;

  /** Since when this side is not read from; 0 while it is. */
  private pausedSince = 0;
  private pausedBy = 0;
  /** The other side, where this one holds it back. */
  private pauses: RelayEnd | undefined;
  /** Nothing more is read: what came was too much. */
  private isStopped = false;
  private isForgotten = false;

  private violation: number | undefined;
  /** Runs from the peer's end to that of the connection. */
  private endTimer: NodeJS.Timeout | undefined;

  /** @param closeTimeoutMs milliseconds that the connection has to close once its peer has sent its end */
  constructor(
    { socket, stream }: RelayConnection,
    budget: ByteBudget,
    account: BudgetAccount,
    private readonly listener: RelayEndListener<RelayEnd>,
    private readonly closeTimeoutMs: number,
  ) {
    this.socket = socket;
    this.stream = stream;
    this.incoming = new BudgetShare(budget, account);
    this.outgoing = new OutgoingFrames(socket, stream, budget, account, this.onDrained);
    this.pace = new FramePace(socket, this.countIncoming);
    limitReadAhead(stream);
    // Behind the listener of `ws`, which has taken up the same bytes.
    stream.on('data', this.onData).once('end', this.onEnd);
    socket.on('message', this.onMessage);
    socket.on('ping', this.onPing);
    socket.on('pong', this.onPong);
    socket.on('error', this.onError);
    socket.once('close', this.onClose);
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /**
   * Sends a message that came from `source`, which is held back until this side has taken it. Drops it if this side is
   * closing: `ws` would count its bytes as waiting for as long as the socket lives.
   */
  send(data: Buffer, isBinary: boolean, source: RelayEnd): void {
    if (!this.isOpen) return;
    if (!this.hasRoomFor(data.length)) {
      source.stop();
      return;
    }
    this.messagesSent++;
    this.outgoing.send(data, isBinary, source.pace.isOneOfMany);
    if (this.outgoing.settle()) (this.pauses = source).pause(BY_OTHER);
  }

  /** Sends what the gateway itself has to say. */
  sendOwn(text: string): void {
    if (!this.isOpen || !this.hasRoomFor(text.length)) return;
    this.outgoing.send(text, false, false);
    this.settleAnswer();
  }

  /** Messages that were written to the connection and that no answered ping proves to have arrived. */
  get messagesUnacknowledged(): number {
    return this.messagesSent - this.messagesAcknowledged;
  }

  isPausedLonger(now: number, limitMs: number): boolean {
    return this.pausedSince !== 0 && now - this.pausedSince > limitMs;
  }

  /** Whether that is because its peer does not read what the gateway answers it. */
  get isPausedByItself(): boolean {
    return (this.pausedBy & BY_ITSELF) !== 0;
  }

  /** Whether a message has been coming for longer than the limit, and too slowly. To be asked about once a second. */
  isTooSlow(now: number, limitMs: number): boolean {
    const isComing = this.incoming.heldBytes > 0 && this.pausedSince === 0;
    const read = { messages: this.messagesRead, bytes: this.stream.bytesRead };
    return this.incompleteRate.isTooSlow(now, limitMs, read, isComing);
  }

  /** Asks the peer whether it is there, or ends the connection. */
  ping(): void {
    // From a side that is held back no answer can be read.
    if (!this.isOpen || this.pausedSince !== 0) return;
    if (this.missedPongs >= MISSED_PONGS) {
      this.socket.terminate();
      return;
    }
    this.missedPongs++;
    // The answer repeats it, and so says which messages came before.
    this.socket.ping(String(this.messagesSent));
  }

  /** Begins the closing handshake. @param code `CODE.NONE` for a close frame without one */
  close(code: number, reason: string | Buffer): void {
    // A peer that is held back could not answer the close frame.
    this.resume(BY_OTHER | BY_ITSELF);
    if (code === CODE.NONE) this.socket.close();
    else this.socket.close(code, reason);
  }

  /** Ends the connection at once. */
  terminate(): void {
    this.socket.terminate();
  }

  /** Gives back all that it holds, and reads no more. To be called behind `close`, whose frame a peer that reads gets. */
  drop(): void {
    this.stop();
    dropIncomplete(this.socket);
    this.forgetIncoming();
    this.outgoing.uncork();
    if (!this.outgoing.isWaiting) return;
    this.socket.terminate();
    this.outgoing.forget();
  }

  private hasRoomFor(bytes: number): boolean {
    if (this.outgoing.tryAcquire(bytes)) return true;
    this.listener.onOverBudget();
    return false;
  }

  /** A peer that does not read its answers gets no more questions in. */
  private settleAnswer(): void {
    if (this.outgoing.settle()) this.pause(BY_ITSELF);
  }

  private readonly onDrained = (): void => {
    this.resume(BY_ITSELF);
    this.pauses?.resume(BY_OTHER);
    this.pauses = undefined;
  };

  private pause(by: number): void {
    if (!this.isOpen) return;
    this.pausedBy |= by;
    if (this.pausedSince !== 0) return;
    this.pausedSince = performance.now();
    this.socket.pause();
  }

  private resume(by: number): void {
    this.pausedBy &= ~by;
    if (this.pausedBy !== 0 || this.pausedSince === 0) return;
    this.pausedSince = 0;
    if (!this.isStopped) this.socket.resume();
  }

  /** Reads no more, ever: the close frame is on its way, and its answer would come behind what there is no room for. */
  private stop(): void {
    this.isStopped = true;
    this.socket.pause();
  }

  private readonly onData = (): void => {
    // Who sends is there, and in the middle of a message cannot answer a ping.
    this.missedPongs = 0;
    this.pace.endChunk();
    this.countIncoming();
  };

  private readonly countIncoming = (): void => {
    if (this.isForgotten) return;
    const held = heldOfIncomplete(this.socket);
    if (held === this.incoming.heldBytes || this.incoming.set(held)) return;
    this.stop();
    this.listener.onOverBudget();
  };

  private readonly onMessage = (data: Buffer, isBinary: boolean): void => {
    this.messagesRead++;
    this.pace.count();
    this.listener.onMessage(this, data, isBinary);
  };

  private readonly onPing = (payload: Buffer): void => {
    this.pace.count();
    if (!this.listener.onControlFrame(this) || !this.isOpen || !this.hasRoomFor(payload.length)) return;
    this.outgoing.pong(payload, this.pace.isOneOfMany);
    this.settleAnswer();
  };

  private readonly onPong = (payload: Buffer): void => {
    this.pace.count();
    const proven = Number(payload.toString('latin1'));
    if (proven > this.messagesAcknowledged && proven <= this.messagesSent) this.messagesAcknowledged = proven;
    if (this.missedPongs === 0) this.listener.onControlFrame(this);
  };

  private readonly onError = (error: Error): void => {
    this.violation ??= codeOfViolation(error);
    // From here on `ws` throws away what comes.
    this.forgetIncoming();
  };

  /** The peer sends no more. `ws` ends the connection too, once all is written, which a peer that reads nothing prevents. */
  private readonly onEnd = (): void => {
    this.endTimer = setTimeout(() => this.socket.terminate(), this.closeTimeoutMs);
  };

  private readonly onClose = (code: number, reason: Buffer): void => {
    clearTimeout(this.endTimer);
    this.stream.off('end', this.onEnd);
    this.forgetIncoming();
    this.outgoing.forget();
    this.pauses?.resume(BY_OTHER);
    this.listener.onClose(this, code, reason, this.violation);
  };

  private forgetIncoming(): void {
    this.isForgotten = true;
    this.stream.off('data', this.onData);
    this.incoming.set(0);
  }
}
