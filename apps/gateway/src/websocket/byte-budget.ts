/** Bytes that all sockets together may hold in this process, so that many large messages cannot exhaust its memory. */
export class ByteBudget {
  private held = 0;

  constructor(private readonly limitBytes: number) {}

  get heldBytes(): number {
    return this.held;
  }

  /** Whether there was room; where there was not, nothing is taken. */
  take(bytes: number): boolean {
    if (this.held + bytes > this.limitBytes) return false;
    this.held += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.held -= bytes;
  }
}
