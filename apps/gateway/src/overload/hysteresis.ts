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
  private tripped = false;
  /** Excessive values since as many clear ones in a row as clear it. */
  private excessive = 0;
  /** Clear values in a row. */
  private clearValues = 0;

  constructor(private readonly options: HysteresisOptions) {}

  get isTripped(): boolean {
    return this.tripped;
  }

  /** Takes the next value. @returns whether it has tripped or cleared */
  update(value: number): boolean {
    const { limit, clearRatio, tripAfter, clearAfter } = this.options;
    this.clearValues = value < limit * clearRatio ? this.clearValues + 1 : 0;
    if (value >= limit) this.excessive++;
    if (this.clearValues >= clearAfter) {
      this.excessive = 0;
      return this.tripped && this.switchTo(false);
    }
    return !this.tripped && this.excessive >= tripAfter && this.switchTo(true);
  }

  /** Trips at once. @returns whether it had not tripped before */
  trip(): boolean {
    this.clearValues = 0;
    return !this.tripped && this.switchTo(true);
  }

  private switchTo(tripped: boolean): true {
    this.tripped = tripped;
    this.excessive = 0;
    this.clearValues = 0;
    return true;
  }
}
