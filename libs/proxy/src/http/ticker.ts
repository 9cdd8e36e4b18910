import { DenseSet, type DenseMember } from './dense-set.js';

/** Something with timeouts to check. */
export interface Ticking extends DenseMember {
  /** @param now `performance.now()` @param elapsedMs milliseconds since the last tick */
  tick(now: number, elapsedMs: number): void;
}

/**
 * One interval for all exchanges in flight. Each checks its own timeouts, so that a request costs no timer. A timeout may be
 * up to one tick late, never early.
 */
export class Ticker {
  private readonly ticking = new DenseSet<Ticking>();
  private readonly interval: NodeJS.Timeout;
  private last = performance.now();

  /** @param tickMs milliseconds between two ticks */
  constructor(tickMs: number) {
    this.interval = setInterval(() => this.tick(), tickMs);
    this.interval.unref();
  }

  add(ticking: Ticking): void {
    this.ticking.add(ticking);
  }

  delete(ticking: Ticking): void {
    this.ticking.delete(ticking);
  }

  stop(): void {
    clearInterval(this.interval);
  }

  private tick(): void {
    const now = performance.now();
    const elapsedMs = now - this.last;
    this.last = now;
    for (const ticking of this.ticking) ticking.tick(now, elapsedMs);
  }
}
