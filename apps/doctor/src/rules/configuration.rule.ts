import type { Chain } from '../chain/chain.js';
import type { Said } from '../chain/said.js';
import type { Fault, Rule } from './rule.js';

/** Each gateway starts with what the compose file gives it. */
export const configurationRule: Rule = {
  name: 'configuration',

  *check({ refused }: Chain): Iterable<Fault> {
    for (const { service, error } of refused) {
      const place = { value: service, says: `service ${service.name}`, at: service.at };
      for (const { variables, wants } of error.faults) {
        const [first = place, ...others] = variables.flatMap((name): readonly Said[] => {
          const set = service.variable(name);
          return set ? [set] : [];
        });
        yield {
          places: [first, ...others, place],
          wants,
          breaks: 'The gateway exits with 78; nothing else was compared with it.',
        };
      }
    }
  },
};
