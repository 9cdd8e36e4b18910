import { WebSocket } from 'ws';

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
