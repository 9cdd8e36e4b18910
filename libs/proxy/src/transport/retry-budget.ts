/** Milliseconds of a window in which requests and retries are counted; the last one counts too. */
const WINDOW_MS = 5_000;

/** Retries that are always there, so that one of few requests can be repeated too. */
const RESERVE = 10;

/** Lets a part of recent requests be sent again, and no more, so that retries do not multiply an outage. */
export class RetryBudget {
  private windowEndsAt = 0;
  private requests = 0;
  private retries = 0;
  private requestsBefore = 0;
  private retriesBefore = 0;
  private spentInAll = 0;
  private refusedInAll = 0;

  /** @param share of recent requests that may be repeated, 0 to 1 */
  constructor(private readonly share: number) {}

  /** Retries since the process began. */
  get spent(): number {
    return this.spentInAll;
  }

  /** Requests that there was no budget for. */
  get refused(): number {
    return this.refusedInAll;
  }

  /** Counts a request. @param now `performance.now()` */
  earn(now: number): void {
    this.roll(now);
    this.requests++;
  }

  /** Whether one more may be repeated. @param isFirstAsk whether a refusal is this request's first, and counts */
  spend(now: number, isFirstAsk: boolean): boolean {
    this.roll(now);
    const most = RESERVE + (this.requests + this.requestsBefore) * this.share;
    if (this.retries + this.retriesBefore + 1 > most) {
      if (isFirstAsk) this.refusedInAll++;
      return false;
    }
    this.retries++;
    this.spentInAll++;
    return true;
  }

  private roll(now: number): void {
    if (now < this.windowEndsAt) return;
    const isNext = now < this.windowEndsAt + WINDOW_MS;
    this.requestsBefore = isNext ? this.requests : 0;
    this.retriesBefore = isNext ? this.retries : 0;
    this.requests = this.retries = 0;
    this.windowEndsAt = now + WINDOW_MS;
  }
}
