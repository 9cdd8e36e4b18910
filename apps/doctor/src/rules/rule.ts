import type { Deployment } from '../deployment/deployment.js';
import type { Sourced } from '../deployment/sourced.js';

/** Two places that do not agree. */
export interface Fault {
  /** What is there: the first is the one to change, if only one is. */
  readonly places: readonly [Sourced, ...Sourced[]];
  /** What would agree. */
  readonly expected: string;
  /** What breaks otherwise, in one sentence. */
  readonly impact: string;
}

/** A sentence about the deployment that either holds in all files or is broken at places that it can name. Pure. */
export interface Rule {
  readonly name: string;
  check(deployment: Deployment): Iterable<Fault>;
}
