import type { Chain } from '../chain/chain.js';
import type { Fault, Rule } from './rule.js';

/** A gateway waits for nobody that it never calls, and for no Redis to be well: it starts degraded without. */
export const startOrderRule: Rule = {
  name: 'start-order',

  *check(chain: Chain): Iterable<Fault> {
    for (const gateway of chain.gateways) {
      const called = chain.calledBy(gateway);
      const redis = chain.redisOf(gateway);
      for (const [name, condition] of gateway.service.dependsOn) {
        const other = chain.stack.services.find((each) => each.name === name);
        const isRedis = other !== undefined && other === redis;
        if (called.some((each) => each === other) || (isRedis && condition.value === 'service_started'))
          continue;
        yield {
          places: [condition, { value: other, says: `service ${name}`, at: other?.at ?? gateway.service.at }],
          wants: isRedis ? 'condition: service_started' : `no depends_on ${name}`,
          breaks: isRedis
            ? 'The gateway does not start while Redis is down, though it could serve without.'
            : `The gateway waits for ${name}, which it never calls.`,
        };
      }
    }
  },
};
