import { misspeltVariables, warningsFor } from '@app/gateway/internal';
import type { Deployment } from '../deployment/deployment.js';
import type { Sourced } from '../files/sourced.js';
import type { Fault, Rule } from './rule.js';

/** The settings of each gateway are compatible, and none is misspelt. The gateway logs the same warnings when it starts. */
export const gatewaySettingsRule: Rule = {
  name: 'gateway-settings',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const gateway of deployment.gateways) {
      for (const { variables, expected, impact } of warningsFor(gateway.config)) {
        const [first, ...others] = variables.map((name): Sourced => gateway.setting(name));
        yield { places: [first!, ...others], expected, impact };
      }
      const set = Object.fromEntries(
        [...gateway.service.environment].map(([name, { value }]) => [name, value]),
      );
      for (const { variable, nearest } of misspeltVariables(set)) {
        yield {
          places: [gateway.service.variable(variable)!],
          expected: nearest,
          impact: 'The gateway does not read this variable, so its value has no effect.',
        };
      }
    }
  },
};
