import { RollingCount } from './rolling-count.js';

/** Fewest recent requests for a decision. */
const MIN_REQUESTS = 20;

/** The share of recent requests that must have failed. */
const FAILURE_RATIO = 0.5;

/** Requests that may pass in `half-open`, and that must all succeed. */
const PROBES = 3;

export const CIRCUIT_STATES = ['closed', 'open', 'half-open'] as const;
export type CircuitState = (typeof CIRCUIT_STATES)[number];

export type Outcome = 'succeeded' | 'failed' | 'ignored';

/**
 * Stops requests to a service that fails, for a time, so that clients get an error at once and the service can recover.
 * Closed while the service responds; open once half of its requests fail; half-open while a few probes pass.
 */
export class CircuitBreaker {
  private current: CircuitState = 'closed';
  /** Counts the changes of state: an outcome of a request from before the last change is ignored. */
  private generation = 0;
  private readonly responses = new RollingCount();
  private readonly failures = new RollingCount();
  private nextProbesAt = 0;
  private probes = 0;
  private passedProbes = 0;

  /** @param openMs milliseconds between two rounds of probes @param onChange called after each change of state */
  constructor(
    private readonly openMs: number,
    private readonly onChange: (state: CircuitState) => void,
  ) {}

  get state(): CircuitState {
    return this.current;
  }

  /**
   * Lets a request pass, or not.
   * @param now `performance.now()`
   * @returns the generation, for the one report of the outcome; undefined if the request must not be sent
   */
  tryAcquire(now: number): number | undefined {
    if (this.current === 'closed') return this.generation;
    if (now >= this.nextProbesAt) {
      this.probes = 0;
      // Probes may be long uploads, so the next round does not wait for their end.
      this.nextProbesAt = now + this.openMs;
      if (this.current === 'open') this.change('half-open');
    }
    if (this.current === 'open' || this.probes >= PROBES) return undefined;
    this.probes++;
    return this.generation;
  }

  /** Seconds until the next probes. */
  retryAfterSeconds(now: number): number {
    return Math.max(1, Math.ceil((this.nextProbesAt - now) / 1000));
  }

  /**
   * Reports the outcome of a request. `ignored`: it says nothing of the service, as the client left or sent an invalid request.
   * @param generation of `tryAcquire`
   */
  report(outcome: Outcome, now: number, generation: number): void {
    if (generation !== this.generation) return;
    if (outcome === 'succeeded') this.succeed(now);
    else if (outcome === 'failed') this.fail(now);
    // It may have been a probe of an earlier round, which does not count in this one.
    else this.probes = Math.max(0, this.probes - 1);
  }

  private succeed(now: number): void {
    if (this.current === 'closed') {
      this.responses.add(now);
    } else if (++this.passedProbes >= PROBES) {
      this.responses.reset();
      this.failures.reset();
      this.change('closed');
    }
  }

  private fail(now: number): void {
    if (this.current === 'half-open') {
      this.open(now);
      return;
    }
    this.failures.add(now);
    const failures = this.failures.total(now);
    const all = failures + this.responses.total(now);
    if (all >= MIN_REQUESTS && failures >= all * FAILURE_RATIO) this.open(now);
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
