/** A rule of the protocol that an end broke, and the time until the end is closed for it. */
export class Violation {
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param code the close code of the rule; undefined if the error is another one
   * @param closeSocket closes the end with this code
   */
  constructor(
    readonly code: number | undefined,
    private readonly closeSocket: () => void,
  ) {}

  /** Closes the end after a time; at once if it is 0 or less. */
  closeIn(ms: number): void {
    if (ms > 0) this.timer = setTimeout(this.closeSocket, ms);
    else this.closeSocket();
  }

  /** Closes the end now if it still waits. */
  close(): void {
    if (this.timer === undefined) return;
    this.cancel();
    this.closeSocket();
  }

  /** Call when the connection has closed. */
  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
