import { RollingCount } from './rolling-count.js';

/** Below this many recent requests nothing can be said. */
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
  private readonly answers = new RollingCount();
  private readonly failures = new RollingCount();
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
      this.answers.add(now);
    } else if (this.current === 'half-open' && ++this.passedTrials >= TRIALS) {
      this.answers.reset();
      this.failures.reset();
      this.change('closed');
    }
  }

  failed(now: number): void {
    if (this.current === 'half-open') this.open(now);
    if (this.current !== 'closed') return;
    this.failures.add(now);
    const failures = this.failures.total(now);
    const all = failures + this.answers.total(now);
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

  private change(state: BreakerState): void {
    this.current = state;
    this.onChange(state);
  }
}
