import { currentProcess } from './process.mjs';
import { ThreadPool } from './thread-pool.mjs';

/** The event loop's own, from before the globals were replaced. */
const { setImmediate, Date: RealDate } = globalThis;

/** Turns of the event loop between two moments of virtual time: promises, ticks and immediates of one moment end in them. */
const TURNS = 4;

/** What `setTimeout` takes as 1, as Node does. */
const LONGEST_MS = 2 ** 31 - 1;

/** Milliseconds of real time after which work of the thread pool has failed to end. */
const LONGEST_WORK_MS = 60_000;

/** When virtual time begins: 2027-01-01. */
const BEGIN = RealDate.UTC(2027, 0, 1);

/** A timer of virtual time, as Node's `Timeout`. */
class Timer {
  /** Its place in the heap; -1 if it is not set. */
  index = -1;
  process = currentProcess.getStore();
  #isRef = true;

  constructor(clock, id, { run, ms, parameters, repeats }) {
    Object.assign(this, { clock, id, run, ms, parameters, repeats });
  }

  ref() {
    this.#isRef = true;
    return this;
  }

  unref() {
    this.#isRef = false;
    return this;
  }

  hasRef() {
    return this.#isRef;
  }

  refresh() {
    this.clock.set(this);
    return this;
  }

  close() {
    this.clock.clear(this);
    return this;
  }

  [Symbol.toPrimitive]() {
    return this.id;
  }

  [Symbol.dispose]() {
    this.close();
  }
}

/**
 * Virtual time in place of the globals `setTimeout`, `setInterval`, `performance.now` and `Date`. It stands still while code
 * runs, and goes on to the next timer when all that it caused is done, work of the thread pool too. `setImmediate`, promises and `process.nextTick` are
 * Node's own: their order is fixed.
 */
export class Clock {
  /** Milliseconds since the simulation began. */
  time = 0;
  /** Milliseconds by which `Date` differs from virtual time: somebody sets the clock of the machine. */
  dateOffset = 0;
  #timers = [];
  #byId = new Map();
  #lastId = 0;
  #lastOrder = 0;
  #threadPool = new ThreadPool();

  install() {
    const begin =
      (repeats) =>
      (run, ms, ...parameters) => {
        const timer = new Timer(this, ++this.#lastId, { run, ms: toMs(ms), parameters, repeats });
        this.set(timer);
        return timer;
      };
    const clear = (timer) => this.clear(timer);
    const clock = this;
    class VirtualDate extends RealDate {
      constructor(...parameters) {
        if (parameters.length === 0) super(VirtualDate.now());
        else super(...parameters);
      }

      static now() {
        return Math.floor(BEGIN + clock.time + clock.dateOffset);
      }
    }
    Object.assign(globalThis, {
      setTimeout: begin(false),
      setInterval: begin(true),
      clearTimeout: clear,
      clearInterval: clear,
      Date: VirtualDate,
    });
    performance.now = () => this.time;
    this.#threadPool.watch();
  }

  /** Timers that are set. */
  get size() {
    return this.#timers.length;
  }

  set(timer) {
    this.#remove(timer);
    this.#byId.set(timer.id, timer);
    timer.at = this.time + timer.ms;
    timer.order = ++this.#lastOrder;
    timer.index = this.#timers.length;
    this.#timers.push(timer);
    this.#rise(timer.index);
  }

  clear(timer) {
    const found = typeof timer === 'object' && timer !== null ? timer : this.#byId.get(Number(timer));
    if (!found) return;
    this.#remove(found);
    this.#byId.delete(found.id);
    found.repeats = false;
  }

  /** Lets time pass. @returns when `isDone`, or at this moment */
  async run(until, isDone = () => false) {
    for (;;) {
      await this.#settle();
      if (isDone() || this.time >= until) return;
      this.time = Math.min(until, Math.max(this.time, Math.ceil(this.#timers[0]?.at ?? until)));
      await this.#fire();
    }
  }

  /** Waits for all that this moment has caused: turns of the event loop, in which no work of the thread pool runs. */
  async #settle() {
    const begunAt = RealDate.now();
    for (let turn = 0; turn < TURNS; turn++) {
      await nextTurn();
      if (!this.#threadPool.isBusy) continue;
      turn = -1;
      if (RealDate.now() - begunAt > LONGEST_WORK_MS)
        throw new Error(`work does not end: ${this.#threadPool.types.join()}`);
    }
  }

  /**
   * Runs the timers of this moment, in the order in which they were set. As in Node, ticks and promises that one has caused
   * come before the next.
   */
  async #fire() {
    for (let timer = this.#timers[0]; timer && timer.at <= this.time; timer = this.#timers[0]) {
      this.#remove(timer);
      if (timer.repeats) this.set(timer);
      else this.#byId.delete(timer.id);
      currentProcess.run(timer.process, timer.run, ...timer.parameters);
      await nextTick();
    }
  }

  #remove(timer) {
    const { index } = timer;
    if (index === -1) return;
    const last = this.#timers.pop();
    timer.index = -1;
    if (last === timer) return;
    this.#timers[index] = last;
    last.index = index;
    this.#rise(index);
    this.#sink(last.index);
  }

  #rise(from) {
    const timers = this.#timers;
    for (let index = from; index > 0;) {
      const parent = (index - 1) >> 1;
      if (!isBefore(timers[index], timers[parent])) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #sink(from) {
    const timers = this.#timers;
    for (let index = from; ;) {
      let first = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < timers.length && isBefore(timers[child], timers[first])) first = child;
      }
      if (first === index) return;
      this.#swap(index, first);
      index = first;
    }
  }

  #swap(one, other) {
    const timers = this.#timers;
    [timers[one], timers[other]] = [timers[other], timers[one]];
    timers[one].index = one;
    timers[other].index = other;
  }
}

/** Resolves in the next turn of the event loop. */
export function nextTurn() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function nextTick() {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

const isBefore = (one, other) => one.at < other.at || (one.at === other.at && one.order < other.order);

const toMs = (ms) => (ms >= 1 && ms <= LONGEST_MS ? Number(ms) : 1);
