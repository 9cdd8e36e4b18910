import type { Chain } from '../chain/chain.js';
import type { Fault, Rule } from './rule.js';

/** Each gateway starts with what the compose file gives it. */
export const configurationRule: Rule = {
  name: 'configuration',

  *check({ refused }: Chain): Iterable<Fault> {
    for (const { service, error } of refused) {
      yield {
        places: [{ value: service, says: `service ${service.name}`, at: service.at }],
        wants: error.message,
        breaks: 'The gateway exits with 78; nothing else was compared with it.',
      };
    }
  },
};
