import { warningsFor } from '@app/gateway';
import type { Deployment } from '../deployment/deployment.js';
import type { Sourced } from '../deployment/sourced.js';
import type { Fault, Rule } from './rule.js';

/** The settings of each gateway fit each other: what it also says itself as it starts, with their lines. */
export const gatewaySettingsRule: Rule = {
  name: 'gateway-settings',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const gateway of deployment.gateways) {
      for (const { variables, expected, impact } of warningsFor(gateway.config)) {
        const [first, ...others] = variables.map((name): Sourced => gateway.setting(name));
        yield { places: [first!, ...others], expected, impact };
      }
    }
  },
};
