import { RollingCount } from './rolling-count.js';

/** Retries that are always allowed, so that there are some if there are few requests. */
const MIN_RETRIES = 10;

/** What an attempt that goes on with a response counts as. */
export type ResumeCharge = 'request' | 'retry' | 'nothing';

/** Limits retries to a share of recent requests, so that they do not multiply the load of an upstream that fails. */
export class RetryBudget {
  private readonly requests = new RollingCount();
  private readonly retries = new RollingCount();
  /** Retries since the process began. */
  retriesTotal = 0;
  /** Requests without budget for a retry, since the process began. */
  refusedTotal = 0;

  /** @param share most retries as a share of recent requests, 0 to 1 */
  constructor(private readonly share: number) {}

  /** Counts a request. @param now `performance.now()` */
  addRequest(now: number): void {
    this.requests.add(now);
  }

  /** Counts a retry, if there is budget for it. @param countsRefusal whether to count a refusal; once per request */
  tryRetry(now: number, countsRefusal: boolean): boolean {
    const most = MIN_RETRIES + this.requests.total(now) * this.share;
    if (this.retries.total(now) + 1 > most) {
      if (countsRefusal) this.refusedTotal++;
      return false;
    }
    this.retries.add(now);
    this.retriesTotal++;
    return true;
  }
}
