import type { Deployment } from '../deployment/deployment.js';
import { committedCommands, inlineSecrets, committedVariables } from '../deployment/committed.js';
import { masked } from '../files/printable.js';
import { holdsSecret } from '../files/secret-names.js';
import type { Fault, Rule } from './rule.js';

const BREAKS = 'Anyone who can read the repository can sign in, or sign tokens, as any user.';

/** No committed file holds a secret, not even as a default. */
export const secretsRule: Rule = {
  name: 'secrets',
  needsApplication: false,

  *check(deployment: Deployment): Iterable<Fault> {
    for (const source of committedVariables(deployment.parts)) {
      const { name, value } = source.value;
      if (value === '' || !(holdsSecret(name) || masked(value) !== value)) continue;
      yield {
        places: [{ ...source, text: `${name}: (hidden)` }],
        expected: `${name}_FILE, with a secret of the compose file`,
        impact: BREAKS,
      };
    }
    for (const source of committedCommands(deployment.stack)) {
      if (masked(source.value) === source.value) continue;
      yield {
        places: [source],
        expected: 'a file that the program reads, as a secret of the compose file',
        impact: BREAKS,
      };
    }
    for (const { value: name, at } of inlineSecrets(deployment.stack)) {
      yield {
        places: [{ value: name, at, text: `content of ${name}: (hidden)` }],
        expected: `file, or environment, of the secret ${name}`,
        impact: BREAKS,
      };
    }
  },
};
