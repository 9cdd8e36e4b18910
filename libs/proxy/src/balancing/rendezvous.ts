import type { Instance } from './instance.js';
import { mix } from './key-hash.js';

/** Requests in flight below which an instance is not overloaded, however few the others have. */
const LEAST_LIMIT = 8;

const RANGE = 2 ** 32;

/**
 * The instance of a key: that with the highest score among those within the load limit (rendezvous hashing, Thaler and
 * Ravishankar, 1998). If an instance goes, its keys alone move, to all others; they move back when it returns. An instance
 * has keys in proportion to its weight, so it gets its keys one after the other during a slow start.
 *
 * @param hash of the key
 * @param limit see `loadLimitOf`
 * @returns undefined if no candidate is within the limit
 */
export function pickByHash(
  candidates: readonly Instance[],
  hash: number,
  limit: number,
  now: number,
): Instance | undefined {
  let best: Instance | undefined;
  let bestScore = -1;
  for (const instance of candidates) {
    if (instance.activeRequests >= limit) continue;
    const score = instance.health.weight(now) / -Math.log((mix(hash ^ instance.hash) + 0.5) / RANGE);
    if (score <= bestScore) continue;
    best = instance;
    bestScore = score;
  }
  return best;
}

/**
 * Most requests in flight of one instance, the next request included: `factor` times the mean of the instances that are up,
 * and at least 8.
 */
export function loadLimitOf(instances: readonly Instance[], factor: number): number {
  let requests = 1;
  let up = 0;
  for (const { activeRequests, health } of instances) {
    if (!health.isUp) continue;
    requests += activeRequests;
    up++;
  }
  return Math.max(LEAST_LIMIT, Math.ceil((factor * requests) / up));
}
