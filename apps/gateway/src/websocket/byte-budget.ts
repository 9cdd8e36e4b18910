/** What one end of a relay holds of the budget. */
export interface BudgetAccount {
  /** Who answers for it: a user, the network of a client that nobody knows, or an upstream. */
  readonly holder: unknown;
  heldBytes: number;
}

/** Tries to free bytes for an account, by closing the relay of another. Whether it has. */
export type MakeRoom = (account: BudgetAccount, bytes: number) => boolean;

/** Bytes that all sockets together may hold in this process, so that many large messages cannot exhaust its memory. */
export class ByteBudget {
  /** Set once, by those who know the relays. */
  makeRoom: MakeRoom = () => false;
  private held = 0;

  constructor(private readonly limitBytes: number) {}

  get heldBytes(): number {
    return this.held;
  }

  /** Whether there is room, if need be at the cost of others; otherwise nothing is taken. */
  tryAcquire(bytes: number, account: BudgetAccount): boolean {
    while (this.held + bytes > this.limitBytes) {
      if (bytes > this.limitBytes || !this.makeRoom(account, bytes)) return false;
    }
    this.held += bytes;
    account.heldBytes += bytes;
    return true;
  }

  release(bytes: number, account: BudgetAccount): void {
    this.held -= bytes;
    account.heldBytes -= bytes;
  }
}

/** One part of what an account holds. */
export class BudgetShare {
  private held = 0;

  constructor(
    private readonly budget: ByteBudget,
    private readonly account: BudgetAccount,
  ) {}

  get heldBytes(): number {
    return this.held;
  }

  /** Holds this much from now on. Whether there is room for it, which there is for less than before. */
  set(bytes: number): boolean {
    const more = bytes - this.held;
    if (more > 0 && !this.budget.tryAcquire(more, this.account)) return false;
    if (more < 0) this.budget.release(-more, this.account);
    this.held = bytes;
    return true;
  }
}
