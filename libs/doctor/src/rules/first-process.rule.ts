import { posix } from 'node:path';
import type { Deployment } from '../deployment/deployment.js';
import { shellCommands } from '../deployment/shell-words.js';
import type { Command } from '../files/docker-stage.js';
import type { Fault, Rule } from './rule.js';

/** Programs that run node as a child, and pass no signal on or exit first. */
const RUNNERS = new Set(['npm', 'npx', 'yarn', 'pnpm']);
const SHELLS = new Set(['sh', 'bash', 'ash', 'dash']);

/** Programs that pass signals on to their child. */
const INITS = new Set(['tini', 'dumb-init', 'docker-init', 'catatonit']);

/** The process that keeps signals from the program; undefined without one. A shell that runs a file may replace itself (`exec`). */
function wrapperOf(command: Command): string | undefined {
  if ('shell' in command) return wrapperOfLine('sh', command.shell);
  const [path = '', ...rest] = command.argv;
  const program = posix.basename(path);
  if (INITS.has(program)) {
    const start = rest.findIndex((word) => !word.startsWith('-'));
    return start === -1 ? undefined : wrapperOf({ argv: rest.slice(start) });
  }
  if (SHELLS.has(program)) {
    const flag = rest.findIndex((word) => /^-\w*c\w*$/.test(word));
    return flag === -1 ? undefined : wrapperOfLine(program, rest[flag + 1] ?? '');
  }
  return RUNNERS.has(program) ? program : undefined;
}

/** A shell is no wrapper if its last command replaces it. */
function wrapperOfLine(shell: string, line: string): string | undefined {
  const [first, ...argv] = shellCommands(line).at(-1) ?? [];
  return first === 'exec' ? wrapperOf({ argv }) : shell;
}

/** Docker's SIGTERM reaches node: process 1 is node, or an init that passes signals on. */
export const firstProcessRule: Rule = {
  name: 'first-process',
  needsApplication: false,

  *check({ stack }: Deployment): Iterable<Fault> {
    for (const service of stack.services) {
      const command = service.firstProcess;
      // `init: true` does not help: the shell behind the init still does not pass the signal on.
      if (!command) continue;
      const wrapper = wrapperOf(command.value);
      if (wrapper === undefined) continue;
      yield {
        places: [command, { value: service, text: `service ${service.name}`, at: service.at }],
        expected: 'the program itself, as a list of words: ["node", "main.js"]',
        impact: `${wrapper} gets SIGTERM and does not pass it on, so ${service.name} does not drain and Docker kills it.`,
      };
    }
  },
};
