import { RollingCount } from './rolling-count.js';

/** Retries that are always there, so that one of few requests can be repeated too. */
const MIN_RETRIES = 10;

/** Lets a part of recent requests be sent again, and no more, so that retries do not multiply an outage. */
export class RetryBudget {
  private readonly requests = new RollingCount();
  private readonly retries = new RollingCount();
  private allRetries = 0;
  private allRefused = 0;

  /** @param share of recent requests that may be repeated, 0 to 1 */
  constructor(private readonly share: number) {}

  /** Retries since the process began. */
  get retriesTotal(): number {
    return this.allRetries;
  }

  /** Requests that there was no budget for. */
  get refusedTotal(): number {
    return this.allRefused;
  }

  /** Counts a request. @param now `performance.now()` */
  addRequest(now: number): void {
    this.requests.add(now);
  }

  /** Whether one more may be repeated. @param isFirstAsk whether a refusal is this request's first, and counts */
  tryRetry(now: number, isFirstAsk: boolean): boolean {
    const most = MIN_RETRIES + this.requests.total(now) * this.share;
    if (this.retries.total(now) + 1 > most) {
      if (isFirstAsk) this.allRefused++;
      return false;
    }
    this.retries.add(now);
    this.allRetries++;
    return true;
  }
}
