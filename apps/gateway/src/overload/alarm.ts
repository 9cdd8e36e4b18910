/** When an alarm rises and falls. */
export interface AlarmOptions {
  /** From this value on it is too much. */
  readonly limit: number;
  /** The share of the limit, 0 to 1, below which it is calm. */
  readonly calmShare: number;
  /** How many values must be too much, without as many calm ones in a row between them as end an alarm. */
  readonly raiseAfter: number;
  /** How many values in a row must be calm. */
  readonly fallAfter: number;
}

/** Watches a value, so that neither one peak raises an alarm nor one dip ends it. */
export class Alarm {
  private raised = false;
  /** Values that were too much since it was calm for as long as ends an alarm. */
  private excessive = 0;
  /** Values in a row that were calm. */
  private calm = 0;

  constructor(private readonly options: AlarmOptions) {}

  get isRaised(): boolean {
    return this.raised;
  }

  /** Takes the next value. @returns whether the alarm has changed by it */
  take(value: number): boolean {
    const { limit, calmShare, raiseAfter, fallAfter } = this.options;
    this.calm = value < limit * calmShare ? this.calm + 1 : 0;
    if (value >= limit) this.excessive++;
    if (this.calm >= fallAfter) {
      this.excessive = 0;
      return this.raised && this.switchTo(false);
    }
    return !this.raised && this.excessive >= raiseAfter && this.switchTo(true);
  }

  /** Raises it at once. @returns whether the alarm has changed by it */
  raise(): boolean {
    this.calm = 0;
    return !this.raised && this.switchTo(true);
  }

  private switchTo(raised: boolean): true {
    this.raised = raised;
    this.excessive = 0;
    this.calm = 0;
    return true;
  }
}
