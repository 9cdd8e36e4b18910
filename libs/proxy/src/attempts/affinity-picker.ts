import type { Affinity } from '../balancing/affinity.js';
import type { Instance } from '../balancing/instance.js';
import type { Exchange } from '../http/exchange.js';
import type { InstancePicker } from './attempts.js';

/** The picker of an exchange: by its key of affinity if it has one, else `byLoad`. */
export function pickerFor(
  byLoad: InstancePicker,
  exchange: Exchange,
  affinity: Affinity | undefined,
): InstancePicker {
  const key = affinity?.keyOf(exchange);
  return key === undefined ? byLoad : new AffinityPicker(byLoad, affinity!, key);
}

/** Picks the instance of a key, or else by load. */
class AffinityPicker implements InstancePicker {
  readonly keepsInstance = true;

  constructor(
    private readonly byLoad: InstancePicker,
    private readonly affinity: Affinity,
    private readonly key: string,
  ) {}

  /** See `InstancePicker`. */
  pick(tried: readonly Instance[], now: number, exchange?: Exchange): Instance | undefined {
    return this.affinity.pick(this.key, tried, now) ?? this.byLoad.pick(tried, now, exchange);
  }
}
