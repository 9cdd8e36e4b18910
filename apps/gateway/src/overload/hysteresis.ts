/** When it trips and clears. */
export interface HysteresisOptions {
  /** The lowest value that is excessive. */
  readonly limit: number;
  /** The share of the limit, 0 to 1, below which a value is calm. */
  readonly clearRatio: number;
  /** Values at or above the limit that trip it; `clearAfter` values in a row below the clear ratio reset the count. */
  readonly tripAfter: number;
  /** Values in a row below the clear ratio that clear it. */
  readonly clearAfter: number;
}

/** Watches a value, so that neither one peak trips it nor one dip clears it. */
export class Hysteresis {
  /** Values at or above the limit since the count was reset. */
  private excessive = 0;
  /** Values in a row below the clear ratio. */
  private calm = 0;

  constructor(private readonly options: HysteresisOptions) {}

  get isTripped(): boolean {
    return this.excessive >= this.options.tripAfter;
  }

  /** Takes the next value. @returns whether it tripped or cleared */
  update(value: number): boolean {
    const { limit, clearRatio, clearAfter } = this.options;
    const before = this.isTripped;
    if (value >= limit) this.excessive++;
    this.calm = value < limit * clearRatio ? this.calm + 1 : 0;
    if (this.calm >= clearAfter) this.excessive = 0;
    return this.isTripped !== before;
  }

  /** Trips at once. @returns whether it was clear before */
  trip(): boolean {
    const before = this.isTripped;
    this.excessive = Math.max(this.excessive, this.options.tripAfter);
    this.calm = 0;
    return !before;
  }
}
