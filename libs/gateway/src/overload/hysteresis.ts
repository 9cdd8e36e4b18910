/** When a hysteresis trips and clears. */
export interface HysteresisOptions {
  /** Values at or above it are excessive. */
  readonly limit: number;
  /** Share of the limit, 0 to 1; values below it are clear. */
  readonly clearRatio: number;
  /** Number of excessive values that trip it. `clearAfter` clear values in a row reset the count. */
  readonly tripAfter: number;
  /** Number of clear values in a row that clear it. */
  readonly clearAfter: number;
}

/** Trips after several excessive values, and clears after several clear ones in a row. */
export class Hysteresis {
  /** Number of excessive values since the count was reset. */
  private excessive = 0;
  /** Number of clear values in a row. */
  private clearValues = 0;

  constructor(private readonly options: HysteresisOptions) {}

  get isTripped(): boolean {
    return this.excessive >= this.options.tripAfter;
  }

  /** Updates the state by the next value. @returns whether it tripped or cleared */
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
