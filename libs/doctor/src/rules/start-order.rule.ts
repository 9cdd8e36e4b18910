import type { Deployment } from '../deployment/deployment.js';
import type { Fault, Rule } from './rule.js';

/** A gateway waits only for services that it calls, and not until Redis is healthy: without Redis it starts degraded. */
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
            ? 'The gateway does not start while Redis is down, though it could work without Redis.'
            : `The gateway waits for ${name}, which it never calls.`,
        };
      }
    }
  },
};
