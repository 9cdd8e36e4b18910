/** Bytes that all sockets together may hold in this process, so that many large messages cannot exhaust its memory. */
export class ByteBudget {
  private held = 0;

  constructor(private readonly limitBytes: number) {}

  get heldBytes(): number {
    return this.held;
  }

  /** Whether there was room; where there was not, nothing is taken. */
  take(bytes: number): boolean {
    if (this.held + bytes > this.limitBytes) return false;
    this.held += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.held -= bytes;
  }
}

/** What one holder has of a budget. */
export class BudgetShare {
  private held = 0;

  constructor(private readonly budget: ByteBudget) {}

  get heldBytes(): number {
    return this.held;
  }

  /** Holds this much from now on. Whether there was room for it, which there is for less than before. */
  set(bytes: number): boolean {
    const more = bytes - this.held;
    if (more > 0 && !this.budget.take(more)) return false;
    if (more < 0) this.budget.giveBack(-more);
    this.held = bytes;
    return true;
  }
}
