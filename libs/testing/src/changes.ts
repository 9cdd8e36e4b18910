import { TestGatewayError } from './test-gateway.error.js';

/** Milliseconds that a test waits for an event, unless it says otherwise. Less than the 5 s that Jest gives a test. */
export const WAIT_MS = 4_000;

/** The timers of the machine, so that a wait ends however a test fakes time. */
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;

/** Lets tests wait until something is found among events, past or future. */
export class Changes {
  private readonly checks = new Set<() => void>();

  /** @param waitMs milliseconds of real time that a wait may take; `Infinity` for no end */
  constructor(private readonly waitMs = WAIT_MS) {}

  /** Call after each event. */
  notify(): void {
    for (const check of this.checks) check();
  }

  /**
   * Resolves with what `find` finds, now or after an event.
   *
   * @param expected says what did not come, for the error
   * @throws TestGatewayError if it is not found in time, or the error of `find`
   */
  async until<Found>(find: () => Found | undefined, expected: () => string): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const check = (): void => {
      try {
        const found = find();
        if (found !== undefined) resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    const giveUp = (): void => reject(new TestGatewayError(`In ${this.waitMs} ms ${expected()}`));
    const timer = this.waitMs === Infinity ? undefined : startTimer(giveUp, this.waitMs);
    this.checks.add(check);
    check();
    try {
      return await promise;
    } finally {
      this.checks.delete(check);
      stopTimer(timer);
    }
  }
}
