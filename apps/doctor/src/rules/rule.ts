import type { Chain } from '../chain/chain.js';
import type { Said } from '../chain/said.js';

/** Two places that do not agree. */
export interface Fault {
  /** What is there: the first is the one to change, if only one is. */
  readonly places: readonly [Said, ...Said[]];
  /** What would agree. */
  readonly wants: string;
  /** What breaks otherwise, in one sentence. */
  readonly breaks: string;
}

/** A sentence about the chain that either holds in all files or is broken at places that it can name. Pure. */
export interface Rule {
  readonly name: string;
  check(chain: Chain): Iterable<Fault>;
}
