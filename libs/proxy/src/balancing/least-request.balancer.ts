import { Injectable } from '@nestjs/common';
import type { Exchange } from '../http/exchange.js';
import { randomFraction } from '../http/random.js';
import { LoadBalancer, type BalancerCandidate } from './load-balancer.js';

/** Picks the least loaded of two random instances (P2C), so that a slow instance gets fewer requests. */
@Injectable()
export class LeastRequestBalancer extends LoadBalancer {
  pick(
    candidates: readonly BalancerCandidate[],
    _exchange: Exchange | undefined,
    now: number,
  ): BalancerCandidate {
    const { length } = candidates;
    const first = Math.floor(randomFraction() * length);
    const other = (first + 1 + Math.floor(randomFraction() * (length - 1))) % length;
    const [one, two] = [candidates[first]!, candidates[other]!];
    return one.load(now) <= two.load(now) ? one : two;
  }
}
