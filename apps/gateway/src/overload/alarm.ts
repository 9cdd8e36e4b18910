/** When an alarm rises and falls. */
export interface AlarmOptions {
  /** From this value on it is too much. */
  readonly limit: number;
  /** The share of the limit, 0 to 1, below which it is calm. */
  readonly calmShare: number;
  /** How many values in a row must be too much. */
  readonly raiseAfter: number;
  /** How many values in a row must be calm. */
  readonly fallAfter: number;
}

/** Watches a value, so that neither one peak raises an alarm nor one dip ends it. */
export class Alarm {
  private raised = false;
  /** Values in a row that speak against the present state. */
  private contrary = 0;

  constructor(private readonly options: AlarmOptions) {}

  get isRaised(): boolean {
    return this.raised;
  }

  /** Takes the next value. @returns whether the alarm has changed by it */
  take(value: number): boolean {
    const { limit, calmShare, raiseAfter, fallAfter } = this.options;
    const isContrary = this.raised ? value < limit * calmShare : value >= limit;
    this.contrary = isContrary ? this.contrary + 1 : 0;
    if (!isContrary || this.contrary < (this.raised ? fallAfter : raiseAfter)) return false;
    return this.switchTo(!this.raised);
  }

  /** Raises it at once. @returns whether the alarm has changed by it */
  raise(): boolean {
    this.contrary = 0;
    return !this.raised && this.switchTo(true);
  }

  private switchTo(raised: boolean): true {
    this.raised = raised;
    this.contrary = 0;
    return true;
  }
}
