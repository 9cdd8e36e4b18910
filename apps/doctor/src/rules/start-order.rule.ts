import type { Deployment } from '../deployment/deployment.js';
import type { Fault, Rule } from './rule.js';

/** A gateway waits for nobody that it never calls, and for no Redis to be well: it starts degraded without. */
export const startOrderRule: Rule = {
  name: 'start-order',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const gateway of deployment.gateways) {
      const called = deployment.calledBy(gateway);
      const redis = deployment.redisOf(gateway);
      for (const [name, condition] of gateway.service.dependsOn) {
        const other = deployment.stack.services.find((each) => each.name === name);
        const isRedis = other !== undefined && other === redis;
        if (called.some((each) => each === other) || (isRedis && condition.value === 'service_started'))
          continue;
        yield {
          places: [condition, { value: other, text: `service ${name}`, at: other?.at ?? gateway.service.at }],
          expected: isRedis ? 'condition: service_started' : `no depends_on ${name}`,
          impact: isRedis
            ? 'The gateway does not start while Redis is down, though it could serve without.'
            : `The gateway waits for ${name}, which it never calls.`,
        };
      }
    }
  },
};
