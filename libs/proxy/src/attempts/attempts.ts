import type { Instance } from '../balancing/instance.js';
import type { InstanceFault } from '../balancing/instance-health.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import type { RetryBudget } from './retry-budget.js';

/** What attempts need of their upstream. */
export interface AttemptedUpstream {
  readonly breaker: CircuitBreaker;
  readonly retryBudget: RetryBudget;
  pick(tried: readonly Instance[], now: number): Instance | undefined;
  failed(instance: Instance, fault: InstanceFault, now: number): void;
}

const NONE: readonly Instance[] = [];

/**
 * The attempts of one request, one after the other, at the instances of its upstream: which instance is next, and what
 * is said of them to the instance's health, the retry budget and the circuit breaker. Whether a request may be sent
 * again at all, its owner knows.
 */
export class Attempts {
  /** How many were made. */
  made = 0;
  /** The instance of the last. */
  instance!: Instance;
  private tried = NONE;
  private isUnderWay = false;
  private isReported = false;
  /** Whether it was counted that there was no budget for one more. */
  private isRefused = false;

  /** @param admission the breaker's @param mostRetries how many may follow the first */
  constructor(
    private readonly upstream: AttemptedUpstream,
    private readonly admission: number,
    private readonly mostRetries: number,
  ) {}

  /** Begins the first. @throws ProxyException where no instance can take it */
  begin(now: number): void {
    this.take(this.upstream.pick(NONE, now)!);
  }

  /**
   * Begins one more at another instance, where there is one with room and the budget has it.
   * @param isStale whether the last met a connection that was dead before: then it is for nothing, and where there is no
   * other instance the same is asked
   * @returns whether it began
   */
  retry(now: number, isStale = false): boolean {
    if (this.made > this.mostRetries) return false;
    const tried = [...this.tried, this.instance];
    const other = this.upstream.pick(tried, now);
    if (!other && !isStale) return false;
    if (!isStale && !this.upstream.retryBudget.spend(now, !this.isRefused)) {
      this.isRefused = true;
      return false;
    }
    this.tried = tried;
    this.release();
    this.take(other ?? this.instance);
    return true;
  }

  /** The instance gave an answer, to this or to any client. */
  succeeded(now: number): void {
    this.instance.health.succeeded(now);
    this.report('answered', now);
  }

  /** Counts a failed attempt against its instance; others may follow. */
  failed(fault: InstanceFault, now: number): void {
    this.upstream.failed(this.instance, fault, now);
  }

  /** Says how the request went, to the breaker; once, and what is said first counts. */
  report(outcome: 'answered' | 'failed' | 'ignored', now: number): void {
    if (this.isReported) return;
    this.isReported = true;
    this.upstream.breaker[outcome](now, this.admission);
  }

  /** Ends the last; where nothing was said of the request, it says nothing of the upstream. */
  end(now: number): void {
    this.report('ignored', now);
    this.release();
  }

  private take(instance: Instance): void {
    this.made++;
    this.instance = instance;
    this.isUnderWay = true;
    instance.outstanding++;
  }

  private release(): void {
    if (this.isUnderWay) this.instance.outstanding--;
    this.isUnderWay = false;
  }
}
