/** When a hysteresis trips and clears. */
export interface HysteresisOptions {
  /** From this value on, a value is excessive. */
  readonly limit: number;
  /** The share of the limit, 0 to 1, below which a value is clear. */
  readonly clearRatio: number;
  /** How many excessive values trip it, without as many clear ones in a row between them as clear it. */
  readonly tripAfter: number;
  /** How many clear values in a row clear it. */
  readonly clearAfter: number;
}

/** Watches a value, so that neither one peak trips it nor one dip clears it. */
export class Hysteresis {
  /** Values at or above the limit since the count was reset. */
  private excessive = 0;
  /** Values in a row below the clear ratio. */
  private clearValues = 0;

  constructor(private readonly options: HysteresisOptions) {}

  get isTripped(): boolean {
    return this.excessive >= this.options.tripAfter;
  }

  /** Takes the next value. @returns whether it tripped or cleared */
  update(value: number): boolean {
    const { limit, clearRatio, clearAfter } = this.options;
    const before = this.isTripped;
    if (value >= limit) this.excessive++;
    this.clearValues = value < limit * clearRatio ? this.clearValues + 1 : 0;
    if (this.clearValues >= clearAfter) this.excessive = 0;
    return this.isTripped !== before;
  }

  /** Trips at once. @returns whether it was clear before */
  trip(): boolean {
    const before = this.isTripped;
    this.excessive = Math.max(this.excessive, this.options.tripAfter);
    this.clearValues = 0;
    return !before;
  }
}
