import { fitsMemory } from '../../../gateway/src/overload/memory-share.js';
import type { Chain } from '../chain/chain.js';
import type { Gateway } from '../chain/gateway.js';
import { wordsOf } from '../chain/shell-words.js';
import type { Said } from '../chain/said.js';
import { sayBytes } from '../chain/units.js';
import type { Fault, Rule } from './rule.js';

const MIB = 1024 * 1024;

/** Node 24 takes half of the container for its heap, and no less than this. */
const LEAST_HEAP_BYTES = 256 * MIB;

/** The heap and what WebSockets may hold fit the container's memory, with room for the process itself. */
export const memoryRule: Rule = {
  name: 'memory',

  *check(chain: Chain): Iterable<Fault> {
    for (const gateway of chain.gateways) {
      const limit = gateway.service.memoryLimit;
      if (!limit) {
        const { service } = gateway;
        yield {
          places: [{ value: service, says: `no mem_limit of ${service.name}`, at: service.at }],
          wants: 'mem_limit: 512m, or more',
          breaks: 'The gateway does not see when its memory ends, and the kernel kills whatever is largest.',
        };
        continue;
      }
      const [heap, buffers] = [heapOf(gateway, limit), gateway.setting('WEBSOCKET_BUFFER_BYTES')];
      if (fitsMemory(heap.value, buffers.value, limit.value)) continue;
      yield {
        places: [limit, heap, buffers],
        wants: `three quarters of the memory for the heap (${sayBytes(heap.value)}) and the buffers (${sayBytes(buffers.value)})`,
        breaks:
          'The kernel kills the gateway with all that it carries, before it can refuse what is too much.',
      };
    }
  },
};

function heapOf({ service }: Gateway, limit: Said<number>): Said<number> {
  const [options, command] = [service.variable('NODE_OPTIONS'), service.firstProcess];
  // What the command says is read last.
  const words: readonly (readonly [Said, readonly string[]])[] = [
    ...(options ? [[options, options.value.split(/\s+/)] as const] : []),
    ...(command ? [[command, wordsOf(command.value)] as const] : []),
  ];
  const sizes = words.flatMap(([said, each]) =>
    each.flatMap((word): Said<number>[] => {
      const megabytes = /^--max[-_]old[-_]space[-_]size=(\d+)$/.exec(word)?.[1];
      return megabytes === undefined ? [] : [{ ...said, value: Number(megabytes) * MIB }];
    }),
  );
  const last = sizes.at(-1);
  if (last) return last;
  const value = Math.max(LEAST_HEAP_BYTES, limit.value / 2);
  return { value, says: `no --max-old-space-size: Node's ${sayBytes(value)}`, at: service.at };
}
