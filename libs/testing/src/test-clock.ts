import { promisify } from 'node:util';
import { TestGatewayError } from './test-gateway.error.js';
import { ClockTimer, type ClockTimerOptions } from './clock-timer.js';

const INSTALLED = Symbol.for('gateway.testing.clock');

type Globals = typeof globalThis & { [INSTALLED]?: TestClock };

/**
 * A clock that a test moves on: `advance(30_000)` lets 30 s pass in milliseconds. Between two moves time runs as ever, and sockets
 * are real. It replaces the global `setTimeout`, `setInterval`, `clearTimeout`, `clearInterval`, `performance.now` and `Date`, and
 * works under any test runner. The timers of `node:timers`, `setImmediate`, `AbortSignal.timeout` and those inside of Node
 * (`socket.setTimeout`, the header timeout of its server) keep real time.
 *
 * Create it before the gateway and end it after the gateway: timers of before keep real time, and timers that are left at
 * its end never fire.
 */
export class TestClock implements Disposable {
  private offsetMs = 0;
  private readonly timers = new Map<number, ClockTimer>();
  private readonly real = { setTimeout, clearTimeout, setInterval, clearInterval, Date };
  private readonly ownNow = Object.getOwnPropertyDescriptor(performance, 'now');
  private readonly realNow = performance.now.bind(performance);

  /** Replaces the globals. @throws TestGatewayError if another clock has replaced them */
  constructor() {
    const globals = globalThis as Globals;
    if (globals[INSTALLED]) throw new TestGatewayError('There is a TestClock already, which has not ended');
    globals[INSTALLED] = this;
    this.replaceTimers();
    this.replaceDate();
    Object.defineProperty(performance, 'now', { configurable: true, writable: true, value: () => this.now });
  }

  /** `performance.now()`, with all moves. */
  get now(): number {
    return this.realNow() + this.offsetMs;
  }

  /**
   * Lets time pass at once. Timers fire in their order, each at its time and in a turn of the event loop of its own. What is on its way
   * between sockets counts as slow: wait for it before, by `received()` of a fake upstream for instance.
   *
   * @param ms milliseconds, at least 0
   */
  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    for (let next = this.nextDue(until); next; next = this.nextDue(until)) {
      this.moveTo(next.dueAt);
      next.fire();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    this.moveTo(until);
    for (const timer of this.timers.values()) timer.start();
  }

  /** Puts the globals back. Timers that are left never fire. */
  [Symbol.dispose](): void {
    const globals = globalThis as Globals;
    if (globals[INSTALLED] !== this) return;
    delete globals[INSTALLED];
    for (const timer of this.timers.values()) timer.stop();
    Object.assign(globalThis, this.real);
    if (this.ownNow) Object.defineProperty(performance, 'now', this.ownNow);
    else Reflect.deleteProperty(performance, 'now');
  }

  private moveTo(time: number): void {
    this.offsetMs += Math.max(0, time - this.now);
  }

  private nextDue(until: number): ClockTimer | undefined {
    let next: ClockTimer | undefined;
    for (const timer of this.timers.values()) {
      if (timer.dueAt <= until && (!next || timer.dueAt < next.dueAt)) next = timer;
    }
    return next;
  }

  private replaceTimers(): void {
    const { timers, real } = this;
    const create = (options: ClockTimerOptions): ClockTimer =>
      new ClockTimer(
        { timers, now: () => this.now, setTimeout: real.setTimeout, clearTimeout: real.clearTimeout },
        options,
      );
    const clear = (timer: unknown): void => {
      const isId = typeof timer === 'number' || typeof timer === 'string';
      const known = isId ? timers.get(Number(timer)) : timer;
      if (known instanceof ClockTimer) known.close();
      else real.clearTimeout(timer as NodeJS.Timeout);
    };
    const startTimeout = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): ClockTimer =>
      create({ run: () => run(...args), ms, repeats: false });
    const startInterval = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): ClockTimer =>
      create({ run: () => run(...args), ms, repeats: true });
    const wait = (ms?: number, value?: unknown): Promise<unknown> =>
      new Promise((resolve) => startTimeout(() => resolve(value), ms));
    Object.defineProperty(startTimeout, promisify.custom, { value: wait });
    Object.assign(globalThis, {
      setTimeout: startTimeout,
      setInterval: startInterval,
      clearTimeout: clear,
      clearInterval: clear,
    });
  }

  private replaceDate(): void {
    const { Date: RealDate } = this.real;
    const now = (): number => RealDate.now() + Math.round(this.offsetMs);
    globalThis.Date = new Proxy(RealDate, {
      get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
      apply: () => new RealDate(now()).toString(),
      construct: (target, args: unknown[], type) =>
        Reflect.construct(target, args.length === 0 ? [now()] : args, type) as Date,
    });
  }
}
