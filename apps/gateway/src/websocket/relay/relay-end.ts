import { WebSocket } from 'ws';
import { limitReadAhead } from '@app/gateway';
import type { BudgetAccount } from './byte-budget.js';
import { CODE, toViolationCode, type CloseReason } from './close-reasons.js';
import { FramePace } from './read-pace.js';
import { IncomingMessages } from './incoming-messages.js';
import { OutgoingFrames } from './outgoing-frames.js';
import { BY_ITSELF, BY_OTHER, ReadPause } from './read-pace.js';
import type { RelayConnection } from './relay-record.js';

/** Pings without a pong after which a peer is gone. */
const MISSED_PONGS = 2;

/** Hears of an end. */
export interface RelayEndListener {
  onMessage(end: RelayEnd, data: Buffer, isBinary: boolean): void;
  /** The peer has sent a ping, or a pong that nobody asked for. @returns whether it may */
  onControlFrame(end: RelayEnd): boolean;
  /** The connection is gone. @param violation the code of the rule that its peer broke, if it did */
  onClose(end: RelayEnd, code: number, reason: Buffer, violation: number | undefined): void;
  /** There is no room for what the end sends or should be sent: the relay must release all its bytes. */
  evict(): void;
}

/** One end of a relay: a socket that sends within bounds, is paused if the other end is slow, and is pinged. */
export class RelayEnd {
  private readonly incoming: IncomingMessages;
  private readonly outgoing: OutgoingFrames;
  private readonly pace: FramePace;
  private readonly reading: ReadPause;
  /** The other end, if this one pauses it. */
  private pausedEnd: RelayEnd | undefined;

  private messagesSent = 0;
  /** How many messages came before the last ping that has its pong. */
  private messagesAcknowledged = 0;
  private missedPongs = 0;

  private violation: number | undefined;
  /** Runs from the peer's end to that of the connection. */
  private endTimer: NodeJS.Timeout | undefined;

  /** @param closeTimeoutMs milliseconds that the connection has to close once its peer has sent its end */
  constructor(
    private readonly connection: RelayConnection,
    account: BudgetAccount,
    private readonly listener: RelayEndListener,
    private readonly closeTimeoutMs: number,
  ) {
    const { socket, stream } = connection;
    this.incoming = new IncomingMessages(connection, account, this.onIncomingOverBudget);
    this.outgoing = new OutgoingFrames(connection, account, this.onDrained);
    this.pace = new FramePace(socket, this.incoming.countIncoming);
    this.reading = new ReadPause(socket);
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
    return this.connection.socket.readyState === WebSocket.OPEN;
  }

  /** Begins to read. */
  start(): void {
    this.connection.socket.resume();
  }

  /** Sends a message that came from `source`, which is paused until this end has taken it. */
  send(data: Buffer, isBinary: boolean, source: RelayEnd): void {
    if (!this.tryAcquire(data.length)) {
      source.reading.stop();
      return;
    }
    this.messagesSent++;
    this.outgoing.send(data, isBinary, source.pace.cameWithOthers);
    if (this.outgoing.isFull) (this.pausedEnd = source).reading.pause(BY_OTHER);
  }

  /** Sends a message of the gateway itself. */
  sendOwn(text: string): void {
    if (!this.tryAcquire(text.length)) return;
    this.outgoing.send(text, false, false);
    this.pauseIfFull();
  }

  /** Messages that were written to the connection and that no pong acknowledges. */
  get messagesUnacknowledged(): number {
    return this.messagesSent - this.messagesAcknowledged;
  }

  isPausedLonger(now: number, limitMs: number): boolean {
    return this.reading.isLongerThan(now, limitMs);
  }

  /** Whether it is paused because its peer does not read the gateway's own responses. */
  get isPausedByItself(): boolean {
    return this.reading.isCausedBy(BY_ITSELF);
  }

  /** Whether a message has been coming for longer than the limit, and too slowly. To be asked once a second. */
  isTooSlow(now: number, limitMs: number): boolean {
    return this.incoming.isTooSlow(now, limitMs, this.reading.isPaused);
  }

  /** Asks the peer whether it is there, or ends the connection. */
  ping(): void {
    // No pong can be read while the socket is paused.
    if (!this.isOpen || this.reading.isPaused) return;
    if (this.missedPongs >= MISSED_PONGS) {
      this.terminate();
      return;
    }
    this.missedPongs++;
    // The pong repeats it, and so says which messages came before.
    this.connection.socket.ping(String(this.messagesSent));
  }

  /** Begins the closing handshake; with `CODE.NONE` by a close frame without a code. */
  close({ code, reason }: CloseReason): void {
    // The response to the close frame must be read.
    this.reading.resume(BY_OTHER | BY_ITSELF);
    if (code === CODE.NONE) this.connection.socket.close();
    else this.connection.socket.close(code, reason);
  }

  /** Ends the connection without a close frame. */
  terminate(): void {
    this.connection.socket.terminate();
  }

  /** Releases all its bytes, and reads no more. To be called behind `close`, whose frame a peer that reads gets. */
  drop(): void {
    this.reading.stop();
    this.stopCounting();
    this.incoming.drop();
    this.outgoing.uncork();
    if (!this.outgoing.hasUnsentBytes) return;
    this.terminate();
    this.outgoing.forget();
  }

  private tryAcquire(bytes: number): boolean {
    if (this.outgoing.tryAcquire(bytes)) return true;
    this.listener.evict();
    return false;
  }

  /** A peer that does not read the gateway's own responses gets no more requests in. */
  private pauseIfFull(): void {
    if (this.outgoing.isFull) this.reading.pause(BY_ITSELF);
  }

  private readonly onDrained = (): void => {
    this.reading.resume(BY_ITSELF);
    this.pausedEnd?.reading.resume(BY_OTHER);
    this.pausedEnd = undefined;
  };

  private readonly onIncomingOverBudget = (): void => {
    this.reading.stop();
    this.listener.evict();
  };

  private readonly onData = (): void => {
    // A peer that sends is there, and in the middle of a message cannot send a pong.
    this.missedPongs = 0;
    this.pace.endChunk();
    this.incoming.countIncoming();
  };

  private readonly onMessage = (data: Buffer, isBinary: boolean): void => {
    this.incoming.countMessage();
    this.pace.count();
    this.listener.onMessage(this, data, isBinary);
  };

  private readonly onPing = (payload: Buffer): void => {
    this.pace.count();
    if (!this.listener.onControlFrame(this) || !this.isOpen || !this.tryAcquire(payload.length)) return;
    this.outgoing.pong(payload, this.pace.cameWithOthers);
    this.pauseIfFull();
  };

  private readonly onPong = (payload: Buffer): void => {
    this.pace.count();
    const count = Number(payload.toString('latin1'));
    if (count > this.messagesAcknowledged && count <= this.messagesSent) this.messagesAcknowledged = count;
    if (this.missedPongs === 0) this.listener.onControlFrame(this);
  };

  private readonly onError = (error: Error): void => {
    this.violation ??= toViolationCode(error);
    // From here on `ws` throws away what comes.
    this.stopCounting();
  };

  /** The peer sends no more. `ws` ends the connection too, once all is written, which a peer that reads nothing prevents. */
  private readonly onEnd = (): void => {
    this.endTimer = setTimeout(() => this.terminate(), this.closeTimeoutMs);
  };

  private readonly onClose = (code: number, reason: Buffer): void => {
    clearTimeout(this.endTimer);
    this.connection.stream.off('end', this.onEnd);
    this.stopCounting();
    this.outgoing.forget();
    this.pausedEnd?.reading.resume(BY_OTHER);
    this.listener.onClose(this, code, reason, this.violation);
  };

  private stopCounting(): void {
    this.connection.stream.off('data', this.onData);
    this.incoming.forget();
  }
}
