import type { Instance } from '../balancing/instance.js';
import type { FailureKind } from '../balancing/instance-health.js';
import type { Exchange } from '../http/exchange.js';
import type { CircuitBreaker, Outcome } from './circuit-breaker.js';
import type { ResumeCharge, RetryBudget } from './retry-budget.js';

/** The parts of an upstream that attempts use. */
export interface AttemptedUpstream {
  readonly breaker: CircuitBreaker;
  readonly retryBudget: RetryBudget;
  /** Most attempts after the first. */
  readonly maxRetries: number;
  failed(instance: Instance, kind: FailureKind, now: number): void;
}

/** Picks the instances of the attempts of one request or handshake. */
export interface InstancePicker {
  /**
   * Whether a retry after a stale connection, and the first attempt that goes on with a response, is at the same instance,
   * where the client may have state. Default: only if there is no other.
   */
  readonly keepsInstance?: boolean;
  /**
   * @param exchange undefined if a WebSocket is resumed
   * @throws ProxyException if `tried` is empty and no instance has room
   */
  pick(tried: readonly Instance[], now: number, exchange?: Exchange): Instance | undefined;
}

const NO_INSTANCES: readonly Instance[] = [];

/** A failed attempt, for the retry rule. */
export interface AttemptFailure {
  /** Counts against the instance; undefined if the instance did not cause it. */
  readonly kind: FailureKind | undefined;
  /** Whether the request, or handshake, can be sent again: nothing can happen twice, and its body is there. */
  readonly canRetry: boolean;
  /**
   * Whether it met a reused connection that the instance had closed before the request was sent. Then a retry costs no
   * budget, and goes to the same instance if there is no other, or the picker keeps it.
   */
  readonly isStale: boolean;
}

/**
 * The attempts of one request or handshake, one after the other, at the instances of its upstream. Picks the next instance,
 * applies the retry rule, and reports to the instance's health, the retry budget and the circuit breaker.
 */
export class Attempts {
  /** Number of attempts so far. */
  count = 0;
  /** The instance of the last attempt. */
  instance!: Instance;
  private tried = NO_INSTANCES;
  private isActive = false;
  private isReported = false;
  /** Whether the retry budget has already refused a retry of this request: only the first refusal is counted. */
  private isBudgetExhausted = false;

  /** @param exchange undefined if a WebSocket is resumed @param breakerGeneration from the breaker's `tryAcquire` */
  constructor(
    private readonly upstream: AttemptedUpstream,
    private readonly picker: InstancePicker,
    private readonly exchange: Exchange | undefined,
    private breakerGeneration: number,
  ) {}

  /** Begins the first attempt. @throws ProxyException if no instance can take it */
  startFirst(now: number): void {
    this.start(this.picker.pick(NO_INSTANCES, now, this.exchange)!);
  }

  /**
   * The retry rule: counts a failed attempt, and begins another if the request may be sent again, there are retries left,
   * another instance has room, and the retry budget allows it.
   * @returns whether it began
   */
  tryRetry({ kind, canRetry, isStale }: AttemptFailure, now: number): boolean {
    if (kind !== undefined) this.upstream.failed(this.instance, kind, now);
    if (!canRetry || this.count > this.upstream.maxRetries) return false;
    const tried = [...this.tried, this.instance];
    const stays = isStale && this.picker.keepsInstance === true;
    const other = stays ? this.instance : this.picker.pick(tried, now, this.exchange);
    if (!other && !isStale) return false;
    if (!isStale && !this.tryBudget(now)) return false;
    this.tried = tried;
    this.release();
    this.start(other ?? this.instance);
    return true;
  }

  /**
   * Begins an attempt that goes on with a response which broke: at another instance if one has room, else at the same. If
   * the picker keeps the instance, the first goes to the same, where the client may have state. Its outcome is reported to
   * the breaker anew.
   * @param charge what it counts as
   * @returns whether it began: the breaker, the retry budget and an instance have room
   */
  tryResume(charge: ResumeCharge, now: number): boolean {
    const { breaker, retryBudget } = this.upstream;
    this.end(now);
    const generation = breaker.tryAcquire(now);
    if (generation === undefined) return false;
    const next = this.pickForResume(charge === 'request', now);
    if (!next || (charge === 'retry' && !this.tryBudget(now))) {
      breaker.report('ignored', now, generation);
      return false;
    }
    if (charge === 'request') retryBudget.addRequest(now);
    this.breakerGeneration = generation;
    this.isReported = false;
    this.start(next);
    return true;
  }

  /** Whether the first attempt that goes on with a response is at another instance. */
  isOtherNext(now: number): boolean {
    return this.pickForResume(true, now) !== this.instance;
  }

  /** The instance sent a response. */
  succeeded(now: number): void {
    this.instance.health.succeeded(now);
    this.report('succeeded', now);
  }

  /** Reports the outcome of the request to the breaker. Later reports are ignored. */
  report(outcome: Outcome, now: number): void {
    if (this.isReported) return;
    this.isReported = true;
    this.upstream.breaker.report(outcome, now, this.breakerGeneration);
  }

  /** Ends the last attempt. A request without a reported outcome counts as ignored. */
  end(now: number): void {
    this.report('ignored', now);
    this.release();
  }

  /** @param isFirst whether it is the first attempt, which goes to the same instance if the picker keeps it */
  private pickForResume(isFirst: boolean, now: number): Instance | undefined {
    const { instance, picker } = this;
    const same = instance.isFull || instance.isRemoved ? undefined : instance;
    if (isFirst && picker.keepsInstance && same?.health.isUp) return same;
    return picker.pick([instance], now, this.exchange) ?? same;
  }

  private tryBudget(now: number): boolean {
    const hasBudget = this.upstream.retryBudget.tryRetry(now, !this.isBudgetExhausted);
    this.isBudgetExhausted ||= !hasBudget;
    return hasBudget;
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
