import type { Chain } from '../chain/chain.js';
import type { Fault, Rule } from './rule.js';

/** Every variable of nginx's templates is one that the compose file sets; the image fills in no other. */
export const templateRule: Rule = {
  name: 'template',

  *check({ nginx }: Chain): Iterable<Fault> {
    const service = nginx?.service;
    if (!service) return;
    for (const { name, file, line } of nginx.files.undefinedVariables) {
      yield {
        places: [
          { value: name, says: `\${${name}}`, at: { file, line } },
          { value: service, says: `environment of ${service.name}`, at: service.at },
        ],
        wants: `${name} in the environment of ${service.name}, an empty one where it says nothing`,
        breaks: `nginx reads \${${name}} as it stands, and does not start.`,
      };
    }
  },
};
