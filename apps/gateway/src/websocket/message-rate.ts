/** A token bucket: so many messages a second on average, and twice as many at once. */
export class MessageRate {
  private allowance: number;
  private seenAt = performance.now();

  constructor(private readonly perSecond: number) {
    this.allowance = perSecond * 2;
  }

  /** Counts one message. Whether it is within the rate. */
  tryConsume(): boolean {
    const now = performance.now();
    const earned = ((now - this.seenAt) / 1000) * this.perSecond;
    this.allowance = Math.min(this.perSecond * 2, this.allowance + earned);
    this.seenAt = now;
    if (this.allowance < 1) return false;
    this.allowance--;
    return true;
  }
}
