import { LRUCache } from 'lru-cache';

/** Most keys in memory, about 200 bytes each. */
const MOST_KEYS = 100_000;

/** How hits are counted. */
export interface ThrottlerRule {
  readonly ttlMs: number;
  /** Most hits in a window. */
  readonly limit: number;
  /** Milliseconds for which a key is refused from the hit past the limit on; 0 for the rest of its window. */
  readonly blockMs: number;
}

/** State of a key after a hit. */
export interface ThrottlerCount {
  readonly hits: number;
  /** Milliseconds until the window ends, or the block. */
  readonly msLeft: number;
  readonly isBlocked: boolean;
}

interface Window {
  hits: number;
  /** Those of the hits that Redis lacks. */
  unshared: number;
  /** `performance.now()` of the end of the window, or of the block. */
  endsAt: number;
  isBlocked: boolean;
}

/** Counts hits in this process, as the script of `GatewayThrottlerStorage` does in Redis. The number of keys is bounded. */
export class ThrottlerCounts {
  private readonly windows: LRUCache<string, Window>;

  /** @param most keys; beyond it, the key used least recently is forgotten */
  constructor(most = MOST_KEYS) {
    // `max` would allocate the memory of all keys at once.
    this.windows = new LRUCache({ maxSize: most, sizeCalculation: () => 1 });
  }

  /** @param unshared those of the hits that Redis lacks */
  add(key: string, { ttlMs, limit, blockMs }: ThrottlerRule, hits: number, unshared = hits): ThrottlerCount {
    const now = performance.now();
    let window = this.windows.get(key);
    if (!window || window.endsAt <= now) {
      window = { hits: 0, unshared: 0, endsAt: now + ttlMs, isBlocked: false };
      this.windows.set(key, window);
    }
    if (window.isBlocked) return { hits: limit + 1, msLeft: window.endsAt - now, isBlocked: true };
    window.hits += hits;
    window.unshared += unshared;
    const isPast = window.hits > limit;
    if (isPast && blockMs > 0) {
      window.isBlocked = true;
      window.endsAt = now + blockMs;
    }
    return { hits: window.hits, msLeft: window.endsAt - now, isBlocked: isPast };
  }

  /** Forgets a key. @returns the hits that Redis lacks; 0 if its window has ended */
  remove(key: string): number {
    if (this.windows.size === 0) return 0;
    const window = this.windows.get(key);
    if (!window) return 0;
    this.windows.delete(key);
    return window.endsAt > performance.now() ? window.unshared : 0;
  }
}
