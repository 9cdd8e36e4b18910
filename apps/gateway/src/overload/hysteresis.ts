/** When an alarm rises and falls. */
export interface HysteresisOptions {
  /** From this value on it is too much. */
  readonly limit: number;
  /** The share of the limit, 0 to 1, below which it is calm. */
  readonly clearRatio: number;
  /** How many values must be too much, without as many calm ones in a row between them as end an alarm. */
  readonly tripAfter: number;
  /** How many values in a row must be calm. */
  readonly clearAfter: number;
}

/** Watches a value, so that neither one peak raises an alarm nor one dip ends it. */
export class Hysteresis {
  private tripped = false;
  /** Values that were too much since it was calm for as long as ends an alarm. */
  private excessive = 0;
  /** Values in a row that were calm. */
  private calm = 0;

  constructor(private readonly options: HysteresisOptions) {}

  get isTripped(): boolean {
    return this.tripped;
  }

  /** Takes the next value. @returns whether the alarm has changed by it */
  update(value: number): boolean {
    const { limit, clearRatio, tripAfter, clearAfter } = this.options;
    this.calm = value < limit * clearRatio ? this.calm + 1 : 0;
    if (value >= limit) this.excessive++;
    if (this.calm >= clearAfter) {
      this.excessive = 0;
      return this.tripped && this.switchTo(false);
    }
    return !this.tripped && this.excessive >= tripAfter && this.switchTo(true);
  }

  /** Raises it at once. @returns whether the alarm has changed by it */
  trip(): boolean {
    this.calm = 0;
    return !this.tripped && this.switchTo(true);
  }

  private switchTo(raised: boolean): true {
    this.tripped = raised;
    this.excessive = 0;
    this.calm = 0;
    return true;
  }
}
