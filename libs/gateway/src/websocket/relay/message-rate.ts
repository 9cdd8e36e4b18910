/** For how long a client that broke a rule still gets its service's messages, from its last message, in milliseconds. */
const RESPONSE_MS = 250;

/** A token bucket: lets `perSecond` messages a second pass on average, and twice as many at once, one at least. */
export class MessageRate {
  private readonly burst: number;
  /** Below 0 once more messages were counted than the rate allows. */
  private allowance: number;
  /** When a message was last counted, in milliseconds of `performance.now()`. */
  private countedAt = performance.now();

  constructor(private readonly perSecond: number) {
    this.burst = this.allowance = Math.max(1, perSecond * 2);
  }

  /** Counts one message. @returns whether it is within the rate */
  count(): boolean {
    const now = performance.now();
    const added = ((now - this.countedAt) / 1000) * this.perSecond;
    this.allowance = Math.min(this.burst, this.allowance + added) - 1;
    this.countedAt = now;
    return this.allowance >= 0;
  }

  /** Milliseconds from the last message until the next one is within the rate; 0 if it is already. */
  get waitMs(): number {
    return this.allowance >= 1 ? 0 : Math.ceil(((1 - this.allowance) / this.perSecond) * 1000);
  }

  /** Milliseconds in which the service may still respond to the last message. */
  get responseMs(): number {
    return this.countedAt + RESPONSE_MS - performance.now();
  }
}
