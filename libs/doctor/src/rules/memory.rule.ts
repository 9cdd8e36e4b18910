import { fitsMemory } from '@app/gateway/internal';
import type { Deployment } from '../deployment/deployment.js';
import type { Gateway } from '../deployment/gateway.js';
import { wordsOf } from '../deployment/shell-words.js';
import type { Sourced } from '../files/sourced.js';
import { sayBytes } from '../deployment/units.js';
import type { Fault, Rule } from './rule.js';

const MIB = 1024 * 1024;

/** Node 24 uses half of the container's memory for its heap, and at least this. */
const LEAST_HEAP_BYTES = 256 * MIB;

/** The heap and the buffers of WebSockets fit into the container's memory, with room for the rest of the process. */
export const memoryRule: Rule = {
  name: 'memory',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const gateway of deployment.gateways) {
      const limit = gateway.service.memoryLimit;
      if (!limit) {
        const { service } = gateway;
        yield {
          places: [{ value: service, text: `no mem_limit of ${service.name}`, at: service.at }],
          expected: 'mem_limit: 512m, or more',
          impact:
            'The gateway cannot shed load before memory runs out, and the kernel kills the largest process.',
        };
        continue;
      }
      const [heap, buffers] = [heapOf(gateway, limit), gateway.setting('WEBSOCKET_MAX_BUFFER_BYTES')];
      if (fitsMemory(heap.value, buffers.value, limit.value)) continue;
      yield {
        places: [limit, heap, buffers],
        expected: `heap (${sayBytes(heap.value)}) and buffers (${sayBytes(buffers.value)}) within three quarters of the memory`,
        impact: 'The kernel kills the gateway with all its connections before it can shed load.',
      };
    }
  },
};

function heapOf({ service }: Gateway, limit: Sourced<number>): Sourced<number> {
  const [options, command] = [service.variable('NODE_OPTIONS'), service.firstProcess];
  // Node reads the command after NODE_OPTIONS.
  const words: readonly (readonly [Sourced, readonly string[]])[] = [
    ...(options ? [[options, options.value.split(/\s+/)] as const] : []),
    ...(command ? [[command, wordsOf(command.value)] as const] : []),
  ];
  const sizes = words.flatMap(([source, each]) =>
    each.flatMap((word): Sourced<number>[] => {
      const megabytes = /^--max[-_]old[-_]space[-_]size=(\d+)$/.exec(word)?.[1];
      return megabytes === undefined ? [] : [{ ...source, value: Number(megabytes) * MIB }];
    }),
  );
  const last = sizes.at(-1);
  if (last) return last;
  const value = Math.max(LEAST_HEAP_BYTES, limit.value / 2);
  return { value, text: `no --max-old-space-size: Node's ${sayBytes(value)}`, at: service.at };
}
