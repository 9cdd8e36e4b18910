import { warningsFor } from '../../../gateway/src/config/configuration-warnings.js';
import type { Chain } from '../chain/chain.js';
import type { Said } from '../chain/said.js';
import type { Fault, Rule } from './rule.js';

/** The settings of each gateway fit each other: what it also says itself as it starts, with their lines. */
export const gatewaySettingsRule: Rule = {
  name: 'gateway-settings',

  *check(chain: Chain): Iterable<Fault> {
    for (const gateway of chain.gateways) {
      for (const { variables, wants, breaks } of warningsFor(gateway.config)) {
        const [first, ...others] = variables.map((name): Said => gateway.setting(name));
        yield { places: [first!, ...others], wants, breaks };
      }
    }
  },
};
