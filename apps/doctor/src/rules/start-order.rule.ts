import type { Chain } from '../chain/chain.js';
import type { Fault, Rule } from './rule.js';

/** A gateway waits for nobody that it never calls, and for no Redis to be well: it starts degraded without. */
export const startOrderRule: Rule = {
  name: 'start-order',

  *check(chain: Chain): Iterable<Fault> {
    for (const gateway of chain.gateways) {
      const called = new Set(
        chain.parts.upstreams
          .flatMap((upstream) => chain.servicesOf(gateway, upstream))
          .map(({ name }) => name),
      );
      for (const [name, condition] of gateway.service.dependsOn) {
        if (called.has(name) || (name.includes('redis') && condition.value === 'service_started')) continue;
        const other = chain.stack.services.find((each) => each.name === name);
        yield {
          places: [condition, { value: other, says: `service ${name}`, at: other?.at ?? gateway.service.at }],
          wants: name.includes('redis') ? 'condition: service_started' : `no depends_on ${name}`,
          breaks: name.includes('redis')
            ? 'The gateway does not start while Redis is down, though it could serve without.'
            : `The gateway waits for ${name}, which it never calls.`,
        };
      }
    }
  },
};
