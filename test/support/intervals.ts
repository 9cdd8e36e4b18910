/** Counts the intervals of this process that are set and not cleared, until it is disposed. */
export class Intervals implements Disposable {
  private readonly intervals = new Set<unknown>();
  private readonly originals = { setInterval, clearInterval };

  constructor() {
    const { originals, intervals } = this;
    const set = (...parameters: Parameters<typeof setInterval>): unknown => {
      const interval = originals.setInterval(...parameters);
      intervals.add(interval);
      return interval;
    };
    const clear = (interval: NodeJS.Timeout): void => {
      intervals.delete(interval);
      originals.clearInterval(interval);
    };
    Object.assign(globalThis, { setInterval: set, clearInterval: clear });
  }

  get size(): number {
    return this.intervals.size;
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.originals);
  }
}
