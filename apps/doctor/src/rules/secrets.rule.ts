import type { Chain } from '../chain/chain.js';
import { committedCommands, committedContents, committedVariables } from '../chain/committed.js';
import { masked } from '../printable.js';
import { holdsSecret } from '../secret-names.js';
import type { Fault, Rule } from './rule.js';

const BREAKS = 'Whoever can read the repository can sign in, or sign tokens, as anybody.';

/** No file that is committed holds a secret, as a default neither. */
export const secretsRule: Rule = {
  name: 'secrets',

  *check(chain: Chain): Iterable<Fault> {
    for (const said of committedVariables(chain.parts)) {
      const { name, value } = said.value;
      if (value === '' || !(holdsSecret(name) || masked(value) !== value)) continue;
      yield {
        // Its value stays out of findings.
        places: [{ ...said, says: `${name}: (hidden)` }],
        wants: `${name}_FILE, with a secret of the compose file`,
        breaks: BREAKS,
      };
    }
    for (const said of committedCommands(chain.stack)) {
      if (masked(said.value) === said.value) continue;
      yield {
        places: [said],
        wants: 'a file that the program reads, as a secret of the compose file',
        breaks: BREAKS,
      };
    }
    for (const { value: name, at } of committedContents(chain.stack)) {
      yield {
        places: [{ value: name, at, says: `content of ${name}: (hidden)` }],
        wants: `file, or environment, of the secret ${name}`,
        breaks: BREAKS,
      };
    }
  },
};
