import { parseEnv } from 'node:util';
import type { Chain } from '../chain/chain.js';
import type { Said } from '../chain/said.js';
import { entriesAt, nodeAt, textAt } from '../files/yaml.tree.js';
import { toMap } from '../files/compose-merge.js';
import type { Fault, Rule } from './rule.js';

/** Names that hold a secret. */
const SECRET = /SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE_KEY|API_KEY|ACCESS_KEY|CREDENTIALS/i;

/** Names that only say where one is, or how long it lasts. */
const ABOUT_SECRET = /_(FILE|DIR|PATH|TTL|MS|SECONDS|EXPIRY|LENGTH|BYTES|URL)$/i;

/** User and password of an address. */
const PASSWORD_IN_URL = /^\w+:\/\/[^/@]*:[^/@]+@/;

/** No file that is committed holds a secret, as a default neither. */
export const secretsRule: Rule = {
  name: 'secrets',

  *check(chain: Chain): Iterable<Fault> {
    for (const said of committed(chain)) {
      const { name, value } = said.value;
      const isSecret = SECRET.test(name) && !ABOUT_SECRET.test(name);
      if (value === '' || !(isSecret || PASSWORD_IN_URL.test(value))) continue;
      yield {
        // Its value stays out of findings.
        places: [{ ...said, says: `${name}: (hidden)` }],
        wants: `${name}_FILE, with a secret of the compose file`,
        breaks: 'Whoever can read the repository can sign in, or sign tokens, as anybody.',
      };
    }
  },
};

type Variable = Said<{ readonly name: string; readonly value: string }>;

function* committed({ stack, parts }: Chain): Iterable<Variable> {
  for (const [service, node] of entriesAt(stack.committed, 'services')) {
    for (const variables of [nodeAt(node, 'environment'), nodeAt(node, 'build', 'args')]) {
      if (!variables) continue;
      for (const name of entriesAt(toMap(variables)).keys()) {
        const said = textAt(toMap(variables), name);
        if (said) yield { value: { name, value: said.value }, says: service, at: said.at };
      }
    }
  }
  for (const file of stack.dockerfiles) yield* file.variables;
  for (const path of parts.examples) {
    const text = parts.files.read(path);
    const lines = text.split('\n');
    for (const [name, value] of Object.entries(parseEnv(text))) {
      const line = lines.findIndex((each) => each.trimStart().startsWith(`${name}=`)) + 1;
      yield { value: { name, value: value ?? '' }, says: name, at: { file: parts.files.nameOf(path), line } };
    }
  }
}
