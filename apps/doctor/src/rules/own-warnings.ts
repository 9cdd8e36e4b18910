import { warningsFor } from '../../../gateway/src/config/configuration-warnings.js';
import type { Chain } from '../chain/chain.js';
import type { Said } from '../chain/said.js';
import type { Fault, Rule } from './rule.js';

/** What each gateway also says itself as it starts, with the lines of its settings. */
export function* ownWarnings(chain: Chain, rule: Rule['name']): Iterable<Fault> {
  for (const gateway of chain.gateways) {
    for (const { variables, wants, breaks, ...warning } of warningsFor(gateway.config)) {
      if (warning.rule !== rule) continue;
      const [first, ...others] = variables.map((name): Said => gateway.setting(name));
      yield { places: [first!, ...others], wants, breaks };
    }
  }
}
