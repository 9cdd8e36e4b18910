/** What a timer needs of its clock. */
export interface TimerClock {
  /** The timers that are not due yet, by their ids. */
  readonly timers: Map<number, ClockTimer>;
  readonly now: () => number;
  readonly setTimeout: typeof setTimeout;
  readonly clearTimeout: typeof clearTimeout;
}

export interface ClockTimerOptions {
  readonly run: () => void;
  /** Default: 1. */
  readonly ms: number | undefined;
  readonly repeats: boolean;
}

/** The longest time of a timer in milliseconds; a longer one counts as 1, as in Node. */
const LONGEST_MS = 2 ** 31 - 1;

let lastId = 0;

/** A timer of a `TestClock`, with the methods of Node's. */
export class ClockTimer implements Disposable {
  dueAt: number;
  readonly id = ++lastId;
  private readonly ms: number;
  private handle: NodeJS.Timeout | undefined;
  private keepsAlive = true;

  constructor(
    private readonly clock: TimerClock,
    private readonly options: ClockTimerOptions,
  ) {
    const ms = Math.trunc(options.ms ?? 1);
    this.ms = ms >= 1 && ms <= LONGEST_MS ? ms : 1;
    this.dueAt = clock.now() + this.ms;
    clock.timers.set(this.id, this);
    this.start();
  }

  /** Fires in real time, unless the clock moves first. */
  start(): void {
    this.stop();
    this.handle = this.clock.setTimeout(() => this.fire(), Math.ceil(this.dueAt - this.clock.now()));
    if (!this.keepsAlive) this.handle.unref();
  }

  stop(): void {
    this.clock.clearTimeout(this.handle);
  }

  fire(): void {
    if (this.options.repeats) this.refresh();
    else this.close();
    this.options.run();
  }

  refresh(): this {
    this.dueAt = this.clock.now() + this.ms;
    this.clock.timers.set(this.id, this);
    this.start();
    return this;
  }

  close(): this {
    this.stop();
    this.clock.timers.delete(this.id);
    return this;
  }

  ref(): this {
    this.keepsAlive = true;
    this.handle?.ref();
    return this;
  }

  unref(): this {
    this.keepsAlive = false;
    this.handle?.unref();
    return this;
  }

  hasRef(): boolean {
    return this.keepsAlive;
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
