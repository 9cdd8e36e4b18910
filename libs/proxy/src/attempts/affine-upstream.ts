import type { Affinity } from '../balancing/affinity.js';
import type { Exchange } from '../http/exchange.js';
import type { FailureKind } from '../balancing/instance-health.js';
import type { Instance } from '../balancing/instance.js';
import type { AttemptedUpstream } from './attempts.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import type { RetryBudget } from './retry-budget.js';

/** Picks the instances of an exchange: by its key of affinity if it has one, else by load. */
export function pickerFor(
  upstream: AttemptedUpstream,
  exchange: Exchange,
  { affinity }: { readonly affinity: Affinity | undefined },
): AttemptedUpstream {
  const key = affinity?.keyOf(exchange);
  return key === undefined ? upstream : new AffineUpstream(upstream, affinity!, key);
}

/** An upstream as one exchange with a key of affinity uses it: picks the key's instance, or else by load. */
class AffineUpstream implements AttemptedUpstream {
  readonly breaker: CircuitBreaker;
  readonly retryBudget: RetryBudget;
  readonly keepsInstance = true;

  constructor(
    private readonly upstream: AttemptedUpstream,
    private readonly affinity: Affinity,
    private readonly key: string,
  ) {
    this.breaker = upstream.breaker;
    this.retryBudget = upstream.retryBudget;
  }

  /** See `AttemptedUpstream`. */
  pick(tried: readonly Instance[], now: number): Instance | undefined {
    return this.affinity.pick(this.key, tried, now) ?? this.upstream.pick(tried, now);
  }

  failed(instance: Instance, kind: FailureKind, now: number): void {
    this.upstream.failed(instance, kind, now);
  }
}
