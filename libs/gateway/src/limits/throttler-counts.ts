import { KeyWindows, type KeyWindow } from './key-windows.js';

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

/** It ends with the block, if the key is blocked. */
interface Window extends KeyWindow {
  hits: number;
  isBlocked: boolean;
}

/** Counts hits in this process, as the script of `GatewayThrottlerStorage` does in Redis. The number of keys is bounded. */
export class ThrottlerCounts {
  private readonly windows: KeyWindows<Window>;

  /** @param most keys; beyond it, the key used least recently is forgotten */
  constructor(most = MOST_KEYS) {
    this.windows = new KeyWindows(most);
  }

  /** @param unshared those of the hits that Redis lacks */
  add(key: string, { ttlMs, limit, blockMs }: ThrottlerRule, hits: number, unshared = hits): ThrottlerCount {
    const now = performance.now();
    let window = this.windows.find(key, now);
    if (!window) {
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
    return this.windows.remove(key);
  }
}
