import type { Instance } from '../balancing/instance.js';
import type { FailureKind } from '../balancing/instance-health.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import type { RetryBudget } from './retry-budget.js';

/** What attempts need of their upstream. */
export interface AttemptedUpstream {
  readonly breaker: CircuitBreaker;
  readonly retryBudget: RetryBudget;
  pick(tried: readonly Instance[], now: number): Instance | undefined;
  failed(instance: Instance, fault: FailureKind, now: number): void;
}

const NO_INSTANCES: readonly Instance[] = [];

/**
 * The attempts of one request, one after the other, at the instances of its upstream: which instance is next, and what
 * is said of them to the instance's health, the retry budget and the circuit breaker. Whether a request may be sent
 * again at all, its owner knows.
 */
export class Attempts {
  /** How many were made. */
  count = 0;
  /** The instance of the last. */
  instance!: Instance;
  private tried = NO_INSTANCES;
  private isActive = false;
  private isReported = false;
  /** Whether it was counted that there was no budget for one more. */
  private isBudgetExhausted = false;

  /** @param admission the breaker's @param maxRetries how many may follow the first */
  constructor(
    private readonly upstream: AttemptedUpstream,
    private readonly admission: number,
    private readonly maxRetries: number,
  ) {}

  /** Begins the first. @throws ProxyException where no instance can take it */
  startFirst(now: number): void {
    this.start(this.upstream.pick(NO_INSTANCES, now)!);
  }

  /**
   * Begins one more at another instance, where there is one with room and the budget has it.
   * @param isStale whether the last met a connection that was dead before: then it is for nothing, and where there is no
   * other instance the same is asked
   * @returns whether it began
   */
  retry(now: number, isStale = false): boolean {
    if (this.count > this.maxRetries) return false;
    const tried = [...this.tried, this.instance];
    const other = this.upstream.pick(tried, now);
    if (!other && !isStale) return false;
    if (!isStale && !this.upstream.retryBudget.tryRetry(now, !this.isBudgetExhausted)) {
      this.isBudgetExhausted = true;
      return false;
    }
    this.tried = tried;
    this.release();
    this.start(other ?? this.instance);
    return true;
  }

  /** The instance gave an answer, to this or to any client. */
  succeeded(now: number): void {
    this.instance.health.succeeded(now);
    this.report('succeeded', now);
  }

  /** Counts a failed attempt against its instance; others may follow. */
  failed(fault: FailureKind, now: number): void {
    this.upstream.failed(this.instance, fault, now);
  }

  /** Says how the request went, to the breaker; once, and what is said first counts. */
  report(outcome: 'succeeded' | 'failed' | 'ignored', now: number): void {
    if (this.isReported) return;
    this.isReported = true;
    this.upstream.breaker[outcome](now, this.admission);
  }

  /** Ends the last; where nothing was said of the request, it says nothing of the upstream. */
  end(now: number): void {
    this.report('ignored', now);
    this.release();
  }

  private start(instance: Instance): void {
    this.count++;
    this.instance = instance;
    this.isActive = true;
    instance.activeRequests++;
  }

  private release(): void {
    if (this.isActive) this.instance.activeRequests--;
    this.isActive = false;
  }
}
