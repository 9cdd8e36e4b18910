import type { Deployment } from '../deployment/deployment.js';
import type { Fault, Rule } from './rule.js';

/** Every variable of nginx's templates is one that the compose file sets; the image fills in no other. */
export const templateRule: Rule = {
  name: 'template',

  *check({ nginx }: Deployment): Iterable<Fault> {
    const service = nginx?.service;
    if (!service) return;
    for (const { name, file, line } of nginx.files.undefinedVariables) {
      yield {
        places: [
          { value: name, text: `\${${name}}`, at: { file, line } },
          { value: service, text: `environment of ${service.name}`, at: service.at },
        ],
        expected: `${name} in the environment of ${service.name}, an empty one where it says nothing`,
        impact: `nginx reads \${${name}} as it stands, and does not start.`,
      };
    }
  },
};
