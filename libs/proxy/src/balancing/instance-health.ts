/**
 * Where an instance stands. `up`: it gets requests, fewer at first where it has just come back. `ejected`: requests to
 * it failed, and it gets none for a time. `down`: its checks fail, and it gets none until they pass.
 */
export type InstanceState = 'up' | 'ejected' | 'down';

/** What speaks against an instance; `status` is one of 502, 503 and 504, `check` its health check. */
export type FailureKind = 'connect' | 'reset' | 'timeout' | 'invalid_response' | 'status' | 'check';

export interface HealthOptions {
  /** Failed requests in a row that eject an instance. */
  readonly failuresToEject: number;
  /** Milliseconds of the first ejection; each that follows without a success between takes twice as long. */
  readonly ejectionMs: number;
  /** Milliseconds of the longest. */
  readonly longestEjectionMs: number;
  /** Failed checks in a row that take an instance down. */
  readonly checksToFall: number;
  /**
   * Passed ones in a row that bring it back. Not from an ejection: its checks may have passed all the while that its
   * requests failed.
   */
  readonly checksToRise: number;
  /** Milliseconds over which an instance that came back gets its full share. */
  readonly slowStartMs: number;
}

/** Least share of an instance that has just come back. */
const LEAST_WEIGHT = 0.1;

/** The state of one instance, from what happens to its requests and what its checks find. */
export class InstanceHealth {
  private current: InstanceState = 'up';
  private failures = 0;
  private ejections = 0;
  private ejectedUntil = 0;
  private failedChecks = 0;
  private passedChecks = 0;
  private restoredAt = -Infinity;

  /**
   * @param mayEject whether the others can do without it
   * @param onChange hears of each change, after it
   */
  constructor(
    private readonly options: HealthOptions,
    private readonly mayEject: () => boolean,
    private readonly onChange: (state: InstanceState, fault: FailureKind | undefined) => void,
  ) {}

  get state(): InstanceState {
    return this.current;
  }

  get isUp(): boolean {
    return this.current === 'up';
  }

  /** Whether it does its work, as far as anyone knows: an instance that may not leave is `up` though it fails. */
  get isHealthy(): boolean {
    const { failuresToEject, checksToFall } = this.options;
    return this.isUp && this.failures < failuresToEject && this.failedChecks < checksToFall;
  }

  /** Its share of requests, up to 1. @param now `performance.now()` */
  weight(now: number): number {
    const sinceMs = now - this.restoredAt;
    return sinceMs >= this.options.slowStartMs
      ? 1
      : Math.max(LEAST_WEIGHT, sinceMs / this.options.slowStartMs);
  }

  /** It is new beside others that are warm. */
  beginSlowStart(now: number): void {
    this.restoredAt = now;
  }

  /** A request had an answer: an instance that was ejected and asked all the same is back. */
  succeeded(now: number): void {
    this.failures = 0;
    if (this.isUp) this.ejections = 0;
    else if (this.current === 'ejected') this.restore(now);
  }

  /** A request had none, or one that says that there is none. */
  failed(fault: FailureKind, now: number): void {
    this.failures++;
    const { failuresToEject, ejectionMs, longestEjectionMs } = this.options;
    if (this.failures < failuresToEject || !this.isUp || !this.mayEject()) return;
    this.ejectedUntil = now + Math.min(longestEjectionMs, ejectionMs * 2 ** this.ejections);
    this.ejections++;
    this.change('ejected', fault);
  }

  checked(passed: boolean, now: number): void {
    const { checksToFall, checksToRise } = this.options;
    this.failedChecks = passed ? 0 : this.failedChecks + 1;
    this.passedChecks = passed ? this.passedChecks + 1 : 0;
    if (this.failedChecks >= checksToFall) {
      if (this.current === 'ejected' || (this.isUp && this.mayEject())) this.change('down', 'check');
    } else if (this.passedChecks >= checksToRise && this.current === 'down') {
      this.restore(now);
    }
  }

  /** Looks whether an ejection is over. */
  tick(now: number): void {
    if (this.current === 'ejected' && now >= this.ejectedUntil) this.restore(now);
  }

  private restore(now: number): void {
    this.failures = 0;
    this.restoredAt = now;
    this.change('up', undefined);
  }

  private change(state: InstanceState, fault: FailureKind | undefined): void {
    this.current = state;
    this.onChange(state, fault);
  }
}
