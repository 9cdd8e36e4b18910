/** Milliseconds of a window. */
const WINDOW_MS = 5_000;

/** Counts what happened of late: in this window and in the one before it, so in the last five to ten seconds. */
export class RollingCount {
  private windowEndsAt = 0;
  private current = 0;
  private previous = 0;

  /** Counts one. @param now `performance.now()` */
  add(now: number): void {
    this.roll(now);
    this.current++;
  }

  /** How many there were of late. @param now `performance.now()` */
  total(now: number): number {
    this.roll(now);
    return this.current + this.previous;
  }

  /** Forgets them all. */
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
