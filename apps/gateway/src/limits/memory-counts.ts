import { LRUCache } from 'lru-cache';

/** What was counted of a key in its present window. */
export interface Count {
  readonly consumed: number;
  /** Milliseconds until the window ends. */
  readonly msBeforeNext: number;
}

interface Window {
  consumed: number;
  /** `performance.now()` of its end: no clock that somebody sets can lengthen it. */
  readonly endsAt: number;
}

/** Counts by key in this process, each over a window of a minute that begins with its first; bounded. */
export class MemoryCounts {
  private readonly windows: LRUCache<string, Window>;

  /** @param most keys; past it the one that was asked for least recently begins anew */
  constructor(
    private readonly windowMs: number,
    most: number,
  ) {
    // `max` would take the memory of all at once.
    this.windows = new LRUCache({ maxSize: most, sizeCalculation: () => 1 });
  }

  /** Counts that many more. */
  add(key: string, points: number): Count {
    const now = performance.now();
    let window = this.windows.get(key);
    if (!window || window.endsAt <= now) {
      window = { consumed: 0, endsAt: now + this.windowMs };
      this.windows.set(key, window);
    }
    window.consumed += points;
    return { consumed: window.consumed, msBeforeNext: window.endsAt - now };
  }

  /** What was counted in a window that has not ended; it is forgotten here. */
  remove(key: string): number {
    if (this.windows.size === 0) return 0;
    const window = this.windows.get(key);
    if (!window) return 0;
    this.windows.delete(key);
    return window.endsAt > performance.now() ? window.consumed : 0;
  }
}
