/**
 * `up`: the instance gets requests, fewer during its slow start. `ejected`: requests to it failed, and it gets none for a
 * time. `down`: its health checks fail, and it gets none until they pass.
 */
export type InstanceState = 'up' | 'ejected' | 'down';

/** How an attempt failed; `status` is a 502, 503 or 504, `check` a failed health check. */
export type FailureKind = 'connect' | 'reset' | 'timeout' | 'invalid_response' | 'status' | 'check';

export interface HealthOptions {
  /** Failed requests in a row that eject an instance. */
  readonly failuresToEject: number;
  /** Milliseconds of the first ejection. Each further ejection without a success between takes twice as long. */
  readonly ejectionMs: number;
  /** Milliseconds of the longest ejection. */
  readonly longestEjectionMs: number;
  /** Failed checks in a row that take an instance down. */
  readonly checksToFall: number;
  /**
   * Passed checks in a row that end `down`. They do not end an ejection, since checks may pass while requests fail.
   */
  readonly checksToRise: number;
  /** Milliseconds until an instance that came back gets its full share. */
  readonly slowStartMs: number;
}

/** Smallest share during a slow start. */
const LEAST_WEIGHT = 0.1;

/** The state of one instance, from its requests (outlier detection) and its health checks. */
export class InstanceHealth {
  private current: InstanceState = 'up';
  private failures = 0;
  private ejections = 0;
  private ejectedUntil = 0;
  private failedChecks = 0;
  private passedChecks = 0;
  private restoredAt = -Infinity;

  /**
   * @param mayEject whether enough other instances are up
   * @param onChange called after each change
   */
  constructor(
    private readonly options: HealthOptions,
    private readonly mayEject: () => boolean,
    private readonly onChange: (state: InstanceState, kind: FailureKind | undefined) => void,
  ) {}

  get state(): InstanceState {
    return this.current;
  }

  get isUp(): boolean {
    return this.current === 'up';
  }

  /** Whether it is up and does not fail. An instance that must not be ejected stays `up` though it fails. */
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

  beginSlowStart(now: number): void {
    this.restoredAt = now;
  }

  /** Counts a response. It ends an ejection: an ejected instance gets a request if no other is left. */
  succeeded(now: number): void {
    this.failures = 0;
    if (this.isUp) this.ejections = 0;
    else if (this.current === 'ejected') this.restore(now);
  }

  /** Counts a failed attempt, and ejects the instance after too many in a row. */
  failed(kind: FailureKind, now: number): void {
    this.failures++;
    const { failuresToEject, ejectionMs, longestEjectionMs } = this.options;
    if (this.failures < failuresToEject || !this.isUp || !this.mayEject()) return;
    this.ejectedUntil = now + Math.min(longestEjectionMs, ejectionMs * 2 ** this.ejections);
    this.ejections++;
    this.change('ejected', kind);
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

  /** Ends an ejection whose time is over. */
  tick(now: number): void {
    if (this.current === 'ejected' && now >= this.ejectedUntil) this.restore(now);
  }

  private restore(now: number): void {
    this.failures = 0;
    this.restoredAt = now;
    this.change('up', undefined);
  }

  private change(state: InstanceState, kind: FailureKind | undefined): void {
    this.current = state;
    this.onChange(state, kind);
  }
}
