/** Milliseconds of a window. */
const WINDOW_MS = 5_000;

/** Counts recent events: those of this window and of the one before, so of the last five to ten seconds. */
export class RollingCount {
  private windowEndsAt = 0;
  private current = 0;
  private previous = 0;

  /** Counts one event. @param now `performance.now()` */
  add(now: number): void {
    this.roll(now);
    this.current++;
  }

  /** Number of recent events. @param now `performance.now()` */
  total(now: number): number {
    this.roll(now);
    return this.current + this.previous;
  }

  reset(): void {
    this.current = this.previous = 0;
  }

  private roll(now: number): void {
    if (now < this.windowEndsAt) return;
    const isNext = now < this.windowEndsAt + WINDOW_MS;
    this.previous = isNext ? this.current : 0;
    this.current = 0;
    this.windowEndsAt = now + WINDOW_MS;
  }
}
