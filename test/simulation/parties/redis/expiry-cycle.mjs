/** Milliseconds between two cycles in which Redis looks for keys that have expired. */
const CYCLE_MS = 100;

/** Longest time between two cycles while a key can expire, in milliseconds: somebody may set the clock. */
const LONGEST_WAIT_MS = 1_000;

/** Deletes keys that have expired, some time after they have, although no client reads them. */
export class ExpiryCycle {
  #timer;
  /** `performance.now()` of the next cycle. */
  #at = Infinity;
  #run;

  /** @param {() => void} run */
  constructor(run) {
    this.#run = run;
  }

  /** @param {number} waitMs until the first key expires; Infinity for no key */
  schedule(waitMs) {
    if (waitMs === Infinity) return;
    const now = performance.now();
    const due = now + Math.min(Math.max(waitMs, 0), LONGEST_WAIT_MS);
    const at = (Math.floor(due / CYCLE_MS) + 1) * CYCLE_MS;
    if (at >= this.#at) return;
    this.stop();
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.#at = Infinity;
      this.#run();
    }, at - now);
    this.#timer.unref();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#at = Infinity;
  }
}
