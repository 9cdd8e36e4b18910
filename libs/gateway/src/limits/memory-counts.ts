import { KeyWindows, type KeyWindow } from './key-windows.js';

/** Count of a key in its current window. */
export interface Count {
  readonly consumed: number;
  /** Milliseconds until the window ends. */
  readonly msBeforeNext: number;
}

interface Window extends KeyWindow {
  consumed: number;
}

/** Counts by key in this process. The window of a key begins with its first count. The number of keys is bounded. */
export class MemoryCounts {
  private readonly windows: KeyWindows<Window>;

  /** @param most keys; beyond it, the key used least recently is forgotten */
  constructor(
    private readonly windowMs: number,
    most: number,
  ) {
    this.windows = new KeyWindows(most);
  }

  /** Adds points to the count of a key, and returns the count. @param unshared those of them that the store lacks */
  add(key: string, points: number, unshared = points): Count {
    const now = performance.now();
    let window = this.windows.find(key, now);
    if (!window) {
      window = { consumed: 0, unshared: 0, endsAt: now + this.windowMs };
      this.windows.set(key, window);
    }
    window.consumed += points;
    window.unshared += unshared;
    return { consumed: window.consumed, msBeforeNext: window.endsAt - now };
  }

  /** Forgets a key. @returns the points that the store lacks; 0 if its window has ended */
  remove(key: string): number {
    return this.windows.remove(key);
  }
}
