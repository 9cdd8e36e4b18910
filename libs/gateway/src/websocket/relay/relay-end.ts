import { WebSocket } from 'ws';
import { limitReadAhead } from '../../http/node-internals.js';
import { deferViolations } from '../../http/ws-internals.js';
import type { BudgetAccount } from './byte-budget.js';
import { CODE, toViolationCode, type CloseReason } from './close-reasons.js';
import { Heartbeat } from './heartbeat.js';
import { OutgoingFrames } from './outgoing-frames.js';
import { FramePace, IncomingMessages } from './incoming-frames.js';
import { OTHER_READS_SLOWLY, OWN_RESPONSES_UNREAD, ReadPause, RULE_BROKEN, TOO_FAST } from './read-pause.js';
import type { RelayConnection } from './relay-record.js';
import { Violation } from './violation.js';

/** Receives the events of an end. */
export interface RelayEndListener {
  onMessage(end: RelayEnd, data: Buffer, isBinary: boolean): void;
  /** Called for a ping, and for a pong that answers no ping. @returns false if it must not be answered */
  onControlFrame(end: RelayEnd): boolean;
  /** Called when the end broke a rule. @returns milliseconds for which it still gets messages before its close frame */
  onViolation(end: RelayEnd): number;
  /** Called when the connection has closed. @param violation close code, if the end broke a rule of the protocol */
  onClose(end: RelayEnd, code: number, reason: Buffer, violation: number | undefined): void;
  /** Called if the budget has no room for bytes from or to the end. The relay must release all its bytes. */
  evict(): void;
}

/**
 * One end of a relay: a socket that is pinged, may send within bounds, and is paused while the other end is slow.
 *
 * It ends in three ways: `close` begins the closing handshake, `terminate` ends the connection without one, and `drop`, after
 * `close`, frees the end's memory when its relay is evicted.
 */
export class RelayEnd {
  private readonly incoming: IncomingMessages;
  private readonly outgoing: OutgoingFrames;
  private readonly pace: FramePace;
  private readonly reading: ReadPause;
  private readonly heartbeat: Heartbeat;
  /** The other end, if this one pauses it. */
  private pausedEnd: RelayEnd | undefined;

  private violation: Violation | undefined;
  /** Runs from the end of the readable side to the close of the connection. */
  private endTimer: NodeJS.Timeout | undefined;

  /** @param closeTimeoutMs milliseconds that the connection has to close once its readable side has ended */
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
    this.reading = new ReadPause(connection, this.onContinued);
    this.heartbeat = new Heartbeat(socket);
    limitReadAhead(stream);
    deferViolations(socket, this);
    // Runs after the listener of `ws`, which has read the same bytes.
    stream.on('data', this.onData).once('end', this.onEnd);
    socket.on('message', this.onMessage);
    socket.on('ping', this.onPing);
    socket.on('pong', this.onPong);
    // The close follows.
    socket.on('error', () => {});
    socket.once('close', this.onClose);
  }

  get isOpen(): boolean {
    return this.connection.socket.readyState === WebSocket.OPEN;
  }

  start(): void {
    this.connection.socket.resume();
  }

  /**
   * Sends a message of `source`. If this reaches the high-water mark, pauses `source` until the bytes are written.
   * @returns false if there is no room: then the relay is evicted, and the message is lost
   */
  send(data: Buffer, isBinary: boolean, source: RelayEnd): boolean {
    if (!this.acquireOrEvict(data.length)) {
      source.reading.stop();
      return false;
    }
    this.heartbeat.countMessage();
    this.outgoing.send(data, isBinary, source.pace.arrivedInSameChunk);
    if (this.outgoing.isFull) (this.pausedEnd = source).reading.pause(OTHER_READS_SLOWLY);
    return true;
  }

  /** Sends a message of the gateway itself, in ASCII. */
  sendOwn(text: string): void {
    if (!this.acquireOrEvict(text.length)) return;
    this.outgoing.send(text, false, false);
    this.pauseIfFull();
  }

  /** Messages passed to the socket since the last acknowledged ping. The gateway's own messages do not count. */
  get messagesUnacknowledged(): number {
    return this.heartbeat.messagesUnacknowledged;
  }

  /** Whether it has been paused for longer than the limit because one of the ends does not read. */
  isPausedLonger(now: number, limitMs: number): boolean {
    return this.reading.isStalledLonger(now, limitMs);
  }

  /** Whether the end is paused because it does not read the gateway's own responses. */
  get isPausedByItself(): boolean {
    return this.reading.isCausedBy(OWN_RESPONSES_UNREAD);
  }

  /**
   * Whether an incomplete message has been arriving for longer than the limit, and below the minimum rate. Call once a
   * second.
   */
  isTooSlow(now: number, limitMs: number): boolean {
    return this.incoming.isTooSlow(now, limitMs, this.reading.isPaused);
  }

  /** Handles no frame of the end and does not read it for a time. Call for the frame that used up its rate. */
  slow(ms: number): void {
    this.reading.slow(ms);
  }

  /** Sends a ping, or ends the connection if too many pings were unanswered. */
  ping(): void {
    const { reading } = this;
    // No pong can be read while the socket is paused. A slowed end sends its pong behind its messages.
    if (!this.isOpen || (reading.isPaused && !reading.isCausedBy(TOO_FAST))) return;
    if (!this.heartbeat.ping(!reading.isPaused)) this.terminate();
  }

  /** Begins the closing handshake. With `CODE.NONE`, sends a close frame without a code. */
  close({ code, reason }: CloseReason): void {
    // Only a socket that is read receives the response to the close frame.
    this.reading.resume(OTHER_READS_SLOWLY | OWN_RESPONSES_UNREAD | RULE_BROKEN);
    if (code === CODE.NONE) this.connection.socket.close();
    else this.connection.socket.close(code, reason);
    this.violation?.close();
    this.reading.endSlow();
  }

  /** Ends the connection without a close frame. */
  terminate(): void {
    this.connection.socket.terminate();
  }

  /**
   * Stops reading, and releases the end's bytes. Call after `close`. If all bytes, with the close frame, have been
   * written, waits for the close; otherwise terminates.
   */
  drop(): void {
    this.reading.stop();
    this.stopCounting();
    this.incoming.drop();
    this.outgoing.uncork();
    if (!this.outgoing.hasUnsentBytes) return;
    this.terminate();
    this.outgoing.forget();
  }

  /** Acquires bytes of the budget. If there is no room, evicts the relay. */
  private acquireOrEvict(bytes: number): boolean {
    if (this.outgoing.tryAcquire(bytes)) return true;
    this.listener.evict();
    return false;
  }

  /** Pauses an end that does not read the gateway's own responses, so that it cannot cause more of them. */
  private pauseIfFull(): void {
    if (this.outgoing.isFull) this.reading.pause(OWN_RESPONSES_UNREAD);
  }

  private readonly onDrained = (): void => {
    this.reading.resume(OWN_RESPONSES_UNREAD);
    this.pausedEnd?.reading.resume(OTHER_READS_SLOWLY);
    this.pausedEnd = undefined;
  };

  private readonly onIncomingOverBudget = (): void => {
    this.reading.stop();
    this.listener.evict();
  };

  private readonly onData = (): void => {
    // An end that sends bytes is not gone. In the middle of a message it cannot send a pong.
    this.heartbeat.setAlive();
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
    if (!this.listener.onControlFrame(this) || !this.isOpen || !this.acquireOrEvict(payload.length)) return;
    this.outgoing.pong(payload, this.pace.arrivedInSameChunk);
    this.pauseIfFull();
  };

  private readonly onPong = (payload: Buffer): void => {
    this.pace.count();
    if (!this.heartbeat.acknowledge(payload)) this.listener.onControlFrame(this);
  };

  /** See `deferViolations`: the messages that the end waits for are delivered before it is closed. */
  onViolation(error: Error, closeSocket: () => void): void {
    this.violation = new Violation(toViolationCode(error), closeSocket);
    this.reading.pause(RULE_BROKEN);
    this.violation.closeIn(this.listener.onViolation(this));
    // From here on `ws` discards all bytes that arrive.
    this.stopCounting();
  }

  private readonly onContinued = (): void => {
    this.heartbeat.setAlive();
    this.incoming.countIncoming();
  };

  /**
   * The readable side has ended. `ws` ends the connection when all bytes are written; the timer bounds this time, since
   * an end that does not read would prevent it.
   */
  private readonly onEnd = (): void => {
    this.endTimer = setTimeout(() => this.terminate(), this.closeTimeoutMs);
  };

  private readonly onClose = (code: number, reason: Buffer): void => {
    clearTimeout(this.endTimer);
    this.violation?.cancel();
    this.connection.stream.off('end', this.onEnd);
    this.stopCounting();
    this.outgoing.forget();
    this.pausedEnd?.reading.resume(OTHER_READS_SLOWLY);
    this.listener.onClose(this, code, reason, this.violation?.code);
  };

  private stopCounting(): void {
    this.connection.stream.off('data', this.onData);
    this.incoming.forget();
  }
}
