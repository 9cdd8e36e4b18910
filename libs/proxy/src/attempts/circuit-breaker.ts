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
  /** Counts the changes: what a request says that was sent before the last is no news. */
  private era = 0;
  private readonly answers = new RollingCount();
  private readonly failures = new RollingCount();
  private nextTrialsAt = 0;
  private trials = 0;
  private passedTrials = 0;

  /** @param openMs milliseconds between two rounds of trials @param onChange hears of each change, after it */
  constructor(
    private readonly openMs: number,
    private readonly onChange: (state: BreakerState) => void,
  ) {}

  get state(): BreakerState {
    return this.current;
  }

  /**
   * Whether a request may be sent: undefined where it may not, else what must come with the one report of how it went.
   * @param now `performance.now()`
   */
  admit(now: number): number | undefined {
    if (this.current === 'closed') return this.era;
    if (now >= this.nextTrialsAt) {
      this.trials = 0;
      // Trials may be long uploads: they do not keep the others out until they end.
      this.nextTrialsAt = now + this.openMs;
      if (this.current === 'open') this.change('half-open');
    }
    if (this.current === 'open' || this.trials >= TRIALS) return undefined;
    this.trials++;
    return this.era;
  }

  /** Seconds after which it is worth while to ask again. */
  retryAfterSeconds(now: number): number {
    return Math.max(1, Math.ceil((this.nextTrialsAt - now) / 1000));
  }

  answered(now: number, era: number): void {
    if (era !== this.era) return;
    if (this.current === 'closed') {
      this.answers.add(now);
    } else if (++this.passedTrials >= TRIALS) {
      this.answers.reset();
      this.failures.reset();
      this.change('closed');
    }
  }

  failed(now: number, era: number): void {
    if (era !== this.era) return;
    if (this.current === 'half-open') {
      this.open(now);
      return;
    }
    this.failures.add(now);
    const failures = this.failures.total(now);
    const all = failures + this.answers.total(now);
    if (all >= LEAST_REQUESTS && failures >= all * FAILED_SHARE) this.open(now);
  }

  /** The request said nothing of the service: its client left, or sent what cannot be served. */
  ignored(_now: number, era: number): void {
    if (era === this.era && this.current === 'half-open') this.trials--;
  }

  private open(now: number): void {
    this.nextTrialsAt = now + this.openMs;
    this.change('open');
  }

  private change(state: BreakerState): void {
    this.current = state;
    this.era++;
    this.passedTrials = 0;
    this.onChange(state);
  }
}
