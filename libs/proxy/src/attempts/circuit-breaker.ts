import { RollingCount } from './rolling-count.js';

/** Below this many recent requests nothing can be said. */
const MIN_REQUESTS = 20;

/** The share of them that must have failed. */
const FAILURE_RATIO = 0.5;

/** Requests that may try a service whose time is over, and that must all have an answer. */
const PROBES = 3;

export type CircuitState = 'closed' | 'open' | 'half-open';

/**
 * Stops asking a service that fails, for a time, so that its clients hear so at once and it has the time to come back:
 * closed while it answers; open once half of its requests fail; half-open for a few that try whether it is back.
 */
export class CircuitBreaker {
  private current: CircuitState = 'closed';
  /** Counts the changes: what a request says that was sent before the last is no news. */
  private generation = 0;
  private readonly responses = new RollingCount();
  private readonly failures = new RollingCount();
  private nextProbesAt = 0;
  private probes = 0;
  private passedProbes = 0;

  /** @param openMs milliseconds between two rounds of trials @param onChange hears of each change, after it */
  constructor(
    private readonly openMs: number,
    private readonly onChange: (state: CircuitState) => void,
  ) {}

  get state(): CircuitState {
    return this.current;
  }

  /**
   * Whether a request may be sent: undefined where it may not, else what must come with the one report of how it went.
   * @param now `performance.now()`
   */
  tryAcquire(now: number): number | undefined {
    if (this.current === 'closed') return this.generation;
    if (now >= this.nextProbesAt) {
      this.probes = 0;
      // Trials may be long uploads: they do not keep the others out until they end.
      this.nextProbesAt = now + this.openMs;
      if (this.current === 'open') this.change('half-open');
    }
    if (this.current === 'open' || this.probes >= PROBES) return undefined;
    this.probes++;
    return this.generation;
  }

  /** Seconds after which it is worth while to ask again. */
  retryAfterSeconds(now: number): number {
    return Math.max(1, Math.ceil((this.nextProbesAt - now) / 1000));
  }

  succeeded(now: number, era: number): void {
    if (era !== this.generation) return;
    if (this.current === 'closed') {
      this.responses.add(now);
    } else if (++this.passedProbes >= PROBES) {
      this.responses.reset();
      this.failures.reset();
      this.change('closed');
    }
  }

  failed(now: number, era: number): void {
    if (era !== this.generation) return;
    if (this.current === 'half-open') {
      this.open(now);
      return;
    }
    this.failures.add(now);
    const failures = this.failures.total(now);
    const all = failures + this.responses.total(now);
    if (all >= MIN_REQUESTS && failures >= all * FAILURE_RATIO) this.open(now);
  }

  /** The request said nothing of the service: its client left, or sent what cannot be served. */
  ignored(_now: number, era: number): void {
    if (era === this.generation && this.current === 'half-open') this.probes--;
  }

  private open(now: number): void {
    this.nextProbesAt = now + this.openMs;
    this.change('open');
  }

  private change(state: CircuitState): void {
    this.current = state;
    this.generation++;
    this.passedProbes = 0;
    this.onChange(state);
  }
}
