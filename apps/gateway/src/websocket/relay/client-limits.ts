/** Counts the sockets of a route. A socket counts from the start of its handshake, so that a burst is bounded too. */
export class ConnectionCounts {
  private readonly byOwner = new Map<string, number>();
  private total = 0;

  constructor(
    private readonly limitPerOwner: number,
    private readonly limit: number,
  ) {}

  /**
   * @param owner a user, or the network of an unauthenticated client
   * @returns false, and counts nothing, if there is no room for one more socket
   */
  tryAcquire(owner: string): boolean {
    const count = this.byOwner.get(owner) ?? 0;
    if (count >= this.limitPerOwner || this.total >= this.limit) return false;
    this.byOwner.set(owner, count + 1);
    this.total++;
    return true;
  }

  release(owner: string): void {
    const count = this.byOwner.get(owner)! - 1;
    if (count === 0) this.byOwner.delete(owner);
    else this.byOwner.set(owner, count);
    this.total--;
  }
}

/** A token bucket: lets `perSecond` messages a second pass on average, and twice as many at once. */
export class MessageRate {
  private allowance: number;
  private seenAt = performance.now();

  constructor(private readonly perSecond: number) {
    this.allowance = perSecond * 2;
  }

  /** Counts one message. @returns whether it is within the rate */
  tryConsume(): boolean {
    const now = performance.now();
    const added = ((now - this.seenAt) / 1000) * this.perSecond;
    this.allowance = Math.min(this.perSecond * 2, this.allowance + added);
    this.seenAt = now;
    if (this.allowance < 1) return false;
    this.allowance--;
    return true;
  }
}
