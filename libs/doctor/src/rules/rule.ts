import type { Deployment } from '../deployment/deployment.js';
import type { Sourced } from '../files/sourced.js';

/** A disagreement between places in the files. */
export interface Fault {
  /** If only one is to change, it is the first. */
  readonly places: readonly [Sourced, ...Sourced[]];
  /** A text or value that would agree. */
  readonly expected: string;
  /** The consequence, in one sentence. */
  readonly impact: string;
}

/** A statement about the deployment. `check` has no side effects, and yields a fault for each place that breaks it. */
export interface Rule {
  readonly name: string;
  /** Whether the routes of an application are a part of it. Default: true. */
  readonly needsApplication?: boolean;
  check(deployment: Deployment): Iterable<Fault>;
}
