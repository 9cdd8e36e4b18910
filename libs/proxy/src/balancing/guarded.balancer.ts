import { Logger } from '@nestjs/common';
import type { Exchange } from '../http/exchange.js';
import { ignoreRejection, PartFailures, PartResultError } from '../http/part-failures.js';
import type { Instance } from './instance.js';
import { LoadBalancer, type BalancerCandidate } from './load-balancer.js';

/** A team's balancer, held to its contract: if it fails, the gateway's own picks. */
export class GuardedBalancer extends LoadBalancer {
  private readonly failures = new PartFailures(new Logger('LoadBalancer'), 'load balancer failed');

  constructor(
    private readonly balancer: LoadBalancer,
    private readonly builtIn: LoadBalancer,
  ) {
    super();
  }

  /** @returns a full instance only if all are full */
  pick(instances: readonly Instance[], exchange: Exchange | undefined, now: number): BalancerCandidate {
    // A copy: the team may sort it.
    const candidates = instances.filter(({ isFull }) => !isFull);
    if (candidates.length < 2) return candidates[0] ?? instances[0]!;
    try {
      const picked: unknown = this.balancer.pick([...candidates], exchange, now);
      const instance = candidates.find((candidate) => candidate === picked);
      if (instance) return instance;
      ignoreRejection(picked);
      throw new PartResultError('it has picked none of the candidates');
    } catch (error) {
      this.failures.report(error);
      return this.builtIn.pick(candidates, exchange, now);
    }
  }
}
