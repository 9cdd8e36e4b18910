import { WebSocket } from 'ws';
import { emitSynchronously } from './ws-internals.js';

/** Frames of one socket that are handled in one turn of the event loop. A chunk of 64 KiB holds 32,768 of the smallest. */
const FRAMES_PER_TURN = 64;

/** From this frame on the count is reset by an immediate; a turn with fewer frames needs none. */
const FRAMES_BEFORE_RESET = 32;

/** Handles a few frames of a socket in each turn of the event loop, so that an end which sends many delays no other socket. */
export class FramePace {
  private framesInTurn = 0;
  private framesInChunk = 0;

  /** @param onFramesHandled runs when frames of an earlier chunk have been handled in a later turn */
  constructor(
    private readonly socket: WebSocket,
    private readonly onFramesHandled: () => void,
  ) {}

  /** Whether the frame that is handled now came in one chunk with others before it. */
  get cameWithOthers(): boolean {
    return this.framesInChunk > 1;
  }

  /** Counts a message, a ping or a pong. To be called before it is handled. */
  count(): void {
    this.framesInChunk++;
    this.framesInTurn++;
    if (this.framesInTurn === FRAMES_BEFORE_RESET) setImmediate(this.endTurn);
    else if (this.framesInTurn === FRAMES_PER_TURN) emitSynchronously(this.socket, false);
  }

  /** To be called when the receiver has taken up a chunk. */
  endChunk(): void {
    this.framesInChunk = 0;
  }

  /** Runs before the event that the receiver has deferred. */
  private readonly endTurn = (): void => {
    // Frames that this turn releases are handled before the next immediate.
    if (this.framesInTurn >= FRAMES_PER_TURN) setImmediate(this.onFramesHandled);
    this.framesInTurn = 0;
    emitSynchronously(this.socket, true);
  };
}

/** The other end does not take as fast as this one sends. */
export const BY_OTHER = 1;
/** The peer does not read the gateway's own responses. */
export const BY_ITSELF = 2;

/** Whether the socket of an end is read, and why not. */
export class ReadPause {
  /** `performance.now()` since when the socket is paused; undefined while it is read. */
  private pausedSince: number | undefined;
  /** `BY_OTHER`, `BY_ITSELF`, or both. */
  private pausedBy = 0;
  private isStopped = false;

  constructor(private readonly socket: WebSocket) {}

  get isPaused(): boolean {
    return this.pausedSince !== undefined;
  }

  isLongerThan(now: number, limitMs: number): boolean {
    return this.pausedSince !== undefined && now - this.pausedSince > limitMs;
  }

  isCausedBy(reason: number): boolean {
    return (this.pausedBy & reason) !== 0;
  }

  pause(by: number): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.pausedBy |= by;
    if (this.isPaused) return;
    this.pausedSince = performance.now();
    this.socket.pause();
  }

  /** Reads again, unless there is another reason not to. */
  resume(by: number): void {
    this.pausedBy &= ~by;
    if (this.pausedBy !== 0 || !this.isPaused) return;
    this.pausedSince = undefined;
    if (!this.isStopped) this.socket.resume();
  }

  /** Reads no more, ever: the close frame is on its way, and its response would come behind what there is no room for. */
  stop(): void {
    this.isStopped = true;
    this.socket.pause();
  }
}
