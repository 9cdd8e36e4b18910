import type { Chain } from '../chain/chain.js';
import type { Command } from '../files/docker-file.js';
import type { Fault, Rule } from './rule.js';

/** They run node as a child, and pass no signal on, or exit before it. */
const RUNNERS = new Set(['npm', 'npx', 'yarn', 'pnpm']);
const SHELLS = new Set(['sh', 'bash', '/bin/sh', '/bin/bash']);

/** What stands between the signal and the program; a shell that runs a file may leave its place to it (`exec`). */
function wrapperOf(command: Command): string | undefined {
  if ('shell' in command) return '/bin/sh';
  const [program = '', first] = command.argv;
  return RUNNERS.has(program) || (SHELLS.has(program) && first === '-c') ? program : undefined;
}

/** Docker's SIGTERM reaches node itself: process 1 is node, or an init that passes it on. */
export const firstProcessRule: Rule = {
  name: 'first-process',

  *check({ stack }: Chain): Iterable<Fault> {
    for (const service of stack.services) {
      const command = service.firstProcess;
      // An init as process 1 (`init: true`) changes nothing: the shell behind it still keeps the signal for itself.
      if (!command) continue;
      const wrapper = wrapperOf(command.value);
      if (wrapper === undefined) continue;
      yield {
        places: [command, { value: service, says: `service ${service.name}`, at: service.at }],
        wants: 'the program itself, as a list of words: ["node", "main.js"]',
        breaks: `SIGTERM ends at ${wrapper}: there is no drain, and Docker kills the container when its time is over.`,
      };
    }
  },
};
