import { LRUCache } from 'lru-cache';

/** The window in which a key is counted. */
export interface KeyWindow {
  /** Those of the counted points that the store lacks. */
  unshared: number;
  /** `performance.now()` of its end, since a change of the system's clock must not move it. */
  endsAt: number;
}

/** The windows of keys in this process. The number of keys is bounded. */
export class KeyWindows<Window extends KeyWindow> {
  private readonly windows: LRUCache<string, Window>;

  /** @param most keys; beyond it, the key used least recently is forgotten */
  constructor(most: number) {
    // `max` would allocate the memory of all keys at once.
    this.windows = new LRUCache<string, Window>({ maxSize: most, sizeCalculation: () => 1 });
  }

  /** The window of a key; undefined if it has none, or its window has ended. */
  find(key: string, now: number): Window | undefined {
    const window = this.windows.get(key);
    return window && window.endsAt > now ? window : undefined;
  }

  set(key: string, window: Window): void {
    this.windows.set(key, window);
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
