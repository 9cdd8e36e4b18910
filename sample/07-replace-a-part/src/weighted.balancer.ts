import { LoadBalancer, type BalancerCandidate } from '@secureconnect/gateway';
import { Injectable } from '@nestjs/common';

/** The large machine gets two requests of three. */
const WEIGHTS: ReadonlyMap<string, number> = new Map([['http://127.0.0.1:4107', 2]]);

/** Takes turns by weight: the smallest share of its weight so far is next. */
@Injectable()
export class WeightedBalancer extends LoadBalancer {
  private readonly picked = new WeakMap<BalancerCandidate, number>();

  pick(candidates: readonly BalancerCandidate[]): BalancerCandidate {
    const next = candidates.reduce((best, each) => (this.share(each) < this.share(best) ? each : best));
    this.picked.set(next, (this.picked.get(next) ?? 0) + 1);
    return next;
  }

  private share(candidate: BalancerCandidate): number {
    return (this.picked.get(candidate) ?? 0) / (WEIGHTS.get(candidate.origin) ?? 1);
  }
}
