import type { Chain } from '../chain/chain.js';
import type { Said } from '../chain/said.js';
import { toMap } from '../files/compose-merge.js';
import { parseEnvFile } from '../files/env-file.js';
import { entriesAt, nodeAt, textAt, type YamlNode } from '../files/yaml.tree.js';
import { masked } from '../printable.js';
import { holdsSecret } from '../secret-names.js';
import type { Fault, Rule } from './rule.js';

const BREAKS = 'Whoever can read the repository can sign in, or sign tokens, as anybody.';

/** No file that is committed holds a secret, as a default neither. */
export const secretsRule: Rule = {
  name: 'secrets',

  *check(chain: Chain): Iterable<Fault> {
    for (const said of variables(chain)) {
      const { name, value } = said.value;
      if (value === '' || !(holdsSecret(name) || masked(value) !== value)) continue;
      yield {
        // Its value stays out of findings.
        places: [{ ...said, says: `${name}: (hidden)` }],
        wants: `${name}_FILE, with a secret of the compose file`,
        breaks: BREAKS,
      };
    }
    for (const said of commands(chain)) {
      if (masked(said.value) === said.value) continue;
      yield {
        places: [said],
        wants: 'a file that the program reads, as a secret of the compose file',
        breaks: BREAKS,
      };
    }
    for (const [name, node] of entriesAt(chain.stack.committed, 'secrets')) {
      const content = textAt(node, 'content');
      if (!content?.value) continue;
      yield {
        places: [{ ...content, says: `content of ${name}: (hidden)` }],
        wants: `file, or environment, of the secret ${name}`,
        breaks: BREAKS,
      };
    }
  },
};

type Variable = Said<{ readonly name: string; readonly value: string }>;

function* variables({ stack, parts }: Chain): Iterable<Variable> {
  for (const [service, node] of entriesAt(stack.committed, 'services')) {
    for (const given of [nodeAt(node, 'environment'), nodeAt(node, 'build', 'args')]) {
      if (!given) continue;
      for (const name of entriesAt(toMap(given)).keys()) {
        const said = textAt(toMap(given), name);
        if (said) yield { value: { name, value: said.value }, says: service, at: said.at };
      }
    }
  }
  for (const file of stack.dockerfiles) yield* file.variables;
  for (const path of parts.examples) {
    for (const { name, value, line } of parseEnvFile(parts.files.read(path))) {
      yield { value: { name, value }, says: name, at: { file: parts.files.nameOf(path), line } };
    }
  }
}

/** What a service runs, by whatever key. */
function* commands({ stack }: Chain): Iterable<Said<string>> {
  for (const node of entriesAt(stack.committed, 'services').values()) {
    for (const path of [['command'], ['entrypoint'], ['healthcheck', 'test']]) {
      const command = nodeAt(node, ...path);
      if (!command) continue;
      const value = lineOf(command);
      yield { value, says: `${path.at(-1)}: ${value}`, at: command.at };
    }
  }
}

function lineOf(node: YamlNode): string {
  if (node.kind === 'text') return node.text;
  return node.kind === 'list' ? node.items.map(lineOf).join(' ') : '';
}
