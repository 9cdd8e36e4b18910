import { LRUCache } from 'lru-cache';

/** Count of a key in its current window. */
export interface Count {
  readonly consumed: number;
  /** Milliseconds until the window ends. */
  readonly msBeforeNext: number;
}

interface Window {
  consumed: number;
  /** Those of the consumed points that the store lacks. */
  unshared: number;
  /** `performance.now()` of its end, since a change of the system's clock must not move it. */
  readonly endsAt: number;
}

/** Counts by key in this process. The window of a key begins with its first count. The number of keys is bounded. */
export class MemoryCounts {
  private readonly windows: LRUCache<string, Window>;

  /** @param most keys; beyond it, the key used least recently is forgotten */
  constructor(
    private readonly windowMs: number,
    most: number,
  ) {
    // `max` would allocate the memory of all keys at once.
    this.windows = new LRUCache({ maxSize: most, sizeCalculation: () => 1 });
  }

  /** Adds points to the count of a key, and returns the count. @param unshared those of them that the store lacks */
  add(key: string, points: number, unshared = points): Count {
    const now = performance.now();
    let window = this.windows.get(key);
    if (!window || window.endsAt <= now) {
      window = { consumed: 0, unshared: 0, endsAt: now + this.windowMs };
      this.windows.set(key, window);
    }
    window.consumed += points;
    window.unshared += unshared;
    return { consumed: window.consumed, msBeforeNext: window.endsAt - now };
  }

  /** Forgets a key. @returns the points that the store lacks; 0 if its window has ended */
  remove(key: string): number {
    if (this.windows.size === 0) return 0;
    const window = this.windows.get(key);
    if (!window) return 0;
    this.windows.delete(key);
    return window.endsAt > performance.now() ? window.unshared : 0;
  }
}
