import type { Deployment } from '../deployment/deployment.js';
import type { Sourced } from '../files/sourced.js';
import type { Fault, Rule } from './rule.js';

/** Each gateway starts with the environment in the compose file. */
export const configurationRule: Rule = {
  name: 'configuration',

  *check({ refused }: Deployment): Iterable<Fault> {
    for (const { service, error } of refused) {
      const place = { value: service, text: `service ${service.name}`, at: service.at };
      for (const { variables, expected } of error.faults) {
        const [first = place, ...others] = variables.flatMap((name): readonly Sourced[] => {
          const set = service.variable(name);
          return set ? [set] : [];
        });
        yield {
          places: [first, ...others, place],
          expected,
          impact: 'The gateway exits with 78. No other rule examined it.',
        };
      }
    }
  },
};
