import { holdFrames, releaseFrames } from '../../http/ws-internals.js';
import { WebSocket } from 'ws';
import type { RelayConnection } from './relay-record.js';

/** Cause of a pause: the other end of the relay reads more slowly than this end sends. */
export const OTHER_READS_SLOWLY = 1;
/** Cause of a pause: this end does not read the gateway's own responses. */
export const OWN_RESPONSES_UNREAD = 2;
/** Cause of a pause: this end sends faster than its rate. */
export const TOO_FAST = 4;
/** Cause of a pause: this end broke a rule of the protocol, and is about to be closed. */
export const RULE_BROKEN = 8;

/** The causes that close a relay if they last: an end that does not read. */
const STALLS = OTHER_READS_SLOWLY | OWN_RESPONSES_UNREAD;

/** Pauses and resumes reading of an end's socket, and keeps the causes of the pause. */
export class ReadPause {
  /** Since when a cause of `STALLS` lasts, in milliseconds of `performance.now()`. */
  private stalledSince: number | undefined;
  /** The causes, added. */
  private pausedBy = 0;
  private isStopped = false;
  /** Set while the end is slowed. */
  private slowTimer: NodeJS.Timeout | undefined;

  private readonly socket: WebSocket;

  /** @param onContinued runs when the frames of a slowed end are handled again; one of them may have slowed it again */
  constructor(
    { socket, stream }: RelayConnection,
    private readonly onContinued: () => void,
  ) {
    this.socket = socket;
    // `ws` waits for the frames of a slowed end before it reports the close.
    stream.once('close', this.endSlow);
  }

  get isPaused(): boolean {
    return this.pausedBy !== 0;
  }

  /** Whether an end that does not read has lasted for longer than the limit. */
  isStalledLonger(now: number, limitMs: number): boolean {
    return this.stalledSince !== undefined && now - this.stalledSince > limitMs;
  }

  isCausedBy(reason: number): boolean {
    return (this.pausedBy & reason) !== 0;
  }

  pause(by: number): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const { isPaused } = this;
    this.pausedBy |= by;
    if ((by & STALLS) !== 0) this.stalledSince ??= performance.now();
    if (!isPaused) this.socket.pause();
  }

  /** Ends causes of the pause. Reads again if there is no other cause. */
  resume(by: number): void {
    const { isPaused } = this;
    this.pausedBy &= ~by;
    if ((this.pausedBy & STALLS) === 0) this.stalledSince = undefined;
    if (isPaused && !this.isPaused && !this.isStopped) this.socket.resume();
  }

  /** Stops reading for good: the budget has no room for further bytes, and the relay is about to be evicted. */
  stop(): void {
    this.isStopped = true;
    this.socket.pause();
  }

  /**
   * Slows the end: for a time the gateway reads no byte of it, and handles no frame that has arrived already, at most two
   * chunks of 64 KiB. Further bytes wait in the kernel, and TCP makes the sender wait.
   * @param ms if 0, does nothing
   */
  slow(ms: number): void {
    if (ms === 0 || this.socket.readyState !== WebSocket.OPEN) return;
    this.pause(TOO_FAST);
    holdFrames(this.socket);
    this.slowTimer = setTimeout(this.endSlow, ms);
  }

  /** Handles the frames that have arrived, and reads again unless one of them slows the end again. */
  readonly endSlow = (): void => {
    if (this.slowTimer === undefined) return;
    clearTimeout(this.slowTimer);
    this.slowTimer = undefined;
    releaseFrames(this.socket);
    // A socket that is read between two pauses would fill its buffers with one more chunk each time.
    if (this.slowTimer === undefined) this.resume(TOO_FAST);
    this.onContinued();
  };
}
