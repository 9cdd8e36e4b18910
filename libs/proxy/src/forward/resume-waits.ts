import type { ResumeCharge } from '../attempts/retry-budget.js';
import { randomFraction } from '../http/random.js';

/** Longest time in milliseconds from a cut to a response that goes on. */
const LONGEST_MS = 30_000;

/** Wait in milliseconds before the second try, or the first at the same instance; doubles with each. */
const FIRST_WAIT_MS = 100;

/** Longest wait before a try, in milliseconds. */
const LONGEST_WAIT_MS = 2_000;

/** How long a resumed stream must last before its service counts as back, in milliseconds. */
const STABLE_MS = 5_000;

/** The deadline of an interruption, and the growing waits between its tries. Moments are those of `performance.now()`. */
export class ResumeWaits {
  /** What the next try counts as. */
  charge: ResumeCharge = 'request';
  private until = 0;
  private waitMs = 0;
  /** From when on the service counts as back. */
  private stableAt = -Infinity;

  /**
   * A new interruption begins. A service that does not stay is asked ever later.
   * @param isOther whether another instance is asked, at once; the same one may need a moment
   */
  begin(now: number, isOther: boolean): void {
    if (this.isStable(now)) this.waitMs = isOther ? 0 : FIRST_WAIT_MS;
    this.until = now + LONGEST_MS;
    this.charge = 'request';
  }

  /** Whether the last resumed stream has lasted. */
  isStable(now: number): boolean {
    return now > this.stableAt;
  }

  isOver(now: number): boolean {
    return now >= this.until;
  }

  /** Milliseconds until the next try; at random, so that not all streams of an instance come to another at once. */
  nextMs(): number {
    const waitMs = this.waitMs * (0.5 + randomFraction() / 2);
    this.waitMs = Math.min(Math.max(FIRST_WAIT_MS, this.waitMs * 2), LONGEST_WAIT_MS);
    return waitMs;
  }

  /** A try has failed. @param isSent whether its instance may have seen it; if not, the next one is in its place */
  failed(isSent: boolean): void {
    this.charge = isSent ? 'retry' : 'nothing';
  }

  /** The stream goes on. */
  succeeded(now: number): void {
    this.charge = 'retry';
    this.stableAt = now + STABLE_MS;
  }
}
