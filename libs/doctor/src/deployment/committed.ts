import { toMap } from '../files/compose-merge.js';
import { parseEnvFile } from '../files/env-file.js';
import { entriesAt, nodeAt, textAt, type YamlNode } from '../files/yaml.tree.js';
import type { DeploymentParts } from './deployment.js';
import type { Sourced } from '../files/sourced.js';
import type { Stack } from './stack.js';

/** A variable whose value is written in a file that is under version control; a reference such as `${X:-y}` counts with y. */
type Variable = Sourced<{ readonly name: string; readonly value: string }>;

/**
 * The variables of services and builds in the compose file, of Dockerfiles, and of examples for `.env`. `committed` is the
 * compose file as it is under version control, without overrides and `.env`.
 */
export function* committedVariables({ files, stack, examples }: DeploymentParts): Iterable<Variable> {
  for (const [service, node] of entriesAt(stack.committed, 'services')) {
    for (const declared of [nodeAt(node, 'environment'), nodeAt(node, 'build', 'args')]) {
      if (!declared) continue;
      for (const name of entriesAt(toMap(declared)).keys()) {
        const source = textAt(toMap(declared), name);
        if (source) yield { value: { name, value: source.value }, text: service, at: source.at };
      }
    }
  }
  for (const dockerfile of stack.dockerfiles) yield* dockerfile.variables;
  for (const path of examples) {
    for (const { name, value, line } of parseEnvFile(files.read(path))) {
      yield { value: { name, value }, text: name, at: { file: files.nameOf(path), line } };
    }
  }
}

/** All commands of services: `command`, `entrypoint` and health checks. */
export function* committedCommands(stack: Stack): Iterable<Sourced<string>> {
  for (const node of entriesAt(stack.committed, 'services').values()) {
    for (const path of [['command'], ['entrypoint'], ['healthcheck', 'test']]) {
      const command = nodeAt(node, ...path);
      if (!command) continue;
      const value = joinCommand(command);
      yield { value, text: `${path.at(-1)}: ${value}`, at: command.at };
    }
  }
}

/** A command as one line: its text, or its list with blanks between. */
function joinCommand(node: YamlNode): string {
  if (node.kind === 'text') return node.text;
  return node.kind === 'list' ? node.items.map(joinCommand).join(' ') : '';
}

/** The names of secrets whose content is in the compose file. */
export function* inlineSecrets(stack: Stack): Iterable<Sourced<string>> {
  for (const [name, node] of entriesAt(stack.committed, 'secrets')) {
    const content = textAt(node, 'content');
    if (content?.value) yield { ...content, value: name };
  }
}
