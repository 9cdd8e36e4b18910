/** Milliseconds of a window in which answers and failures are counted; the last one counts too. */
const WINDOW_MS = 5_000;

/** Below this many requests in two windows nothing can be said. */
const LEAST_REQUESTS = 20;

/** The share of them that must have failed. */
const FAILED_SHARE = 0.5;

/** Requests that may try a service whose time is over, and that must all have an answer. */
const TRIALS = 3;

export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * Stops asking a service that fails, for a time, so that its clients hear so at once and it has the time to come back:
 * closed while it answers; open once half of its requests fail; half-open for a few that try whether it is back.
 */
export class CircuitBreaker {
  private current: BreakerState = 'closed';
  private windowEndsAt = 0;
  private answers = 0;
  private failures = 0;
  private answersBefore = 0;
  private failuresBefore = 0;
  private opensAgainAt = 0;
  private trials = 0;
  private passedTrials = 0;

  /** @param openMs milliseconds for which the service is not asked @param onChange hears of each change, after it */
  constructor(
    private readonly openMs: number,
    private readonly onChange: (state: BreakerState) => void,
  ) {}

  get state(): BreakerState {
    return this.current;
  }

  /** Whether a request may be sent; each that was must be reported, once. @param now `performance.now()` */
  admits(now: number): boolean {
    if (this.current === 'closed') return true;
    if (this.current === 'open') {
      if (now < this.opensAgainAt) return false;
      this.trials = this.passedTrials = 0;
      this.change('half-open');
    }
    if (this.trials >= TRIALS) return false;
    this.trials++;
    return true;
  }

  /** Seconds after which it is worth while to ask again. */
  retryAfterSeconds(now: number): number {
    return Math.max(1, Math.ceil((this.opensAgainAt - now) / 1000));
  }

  answered(now: number): void {
    if (this.current === 'closed') {
      this.roll(now);
      this.answers++;
    } else if (this.current === 'half-open' && ++this.passedTrials >= TRIALS) {
      this.answers = this.failures = this.answersBefore = this.failuresBefore = 0;
      this.change('closed');
    }
  }

  failed(now: number): void {
    if (this.current === 'half-open') this.open(now);
    if (this.current !== 'closed') return;
    this.roll(now);
    this.failures++;
    const failures = this.failures + this.failuresBefore;
    const all = failures + this.answers + this.answersBefore;
    if (all >= LEAST_REQUESTS && failures >= all * FAILED_SHARE) this.open(now);
  }

  /** The request said nothing of the service: its client left, or sent what cannot be served. */
  ignored(): void {
    if (this.current === 'half-open') this.trials--;
  }

  private open(now: number): void {
    this.opensAgainAt = now + this.openMs;
    this.change('open');
  }

  private roll(now: number): void {
    if (now < this.windowEndsAt) return;
    const isNext = now < this.windowEndsAt + WINDOW_MS;
    this.answersBefore = isNext ? this.answers : 0;
    this.failuresBefore = isNext ? this.failures : 0;
    this.answers = this.failures = 0;
    this.windowEndsAt = now + WINDOW_MS;
  }

  private change(state: BreakerState): void {
    this.current = state;
    this.onChange(state);
  }
}
