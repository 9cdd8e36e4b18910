import type { Deployment } from '../deployment/deployment.js';
import type { Fault, Rule } from './rule.js';

/** The compose file sets every variable of nginx's templates, since the image fills in no others. */
export const templateRule: Rule = {
  name: 'template',
  needsApplication: false,

  *check({ nginx }: Deployment): Iterable<Fault> {
    const service = nginx?.service;
    if (!service) return;
    for (const { name, file, line } of nginx.files.undefinedVariables) {
      yield {
        places: [
          { value: name, text: `\${${name}}`, at: { file, line } },
          { value: service, text: `environment of ${service.name}`, at: service.at },
        ],
        expected: `${name} in the environment of ${service.name}, empty if it has no value`,
        impact: `nginx reads \${${name}} literally, and does not start.`,
      };
    }
  },
};
