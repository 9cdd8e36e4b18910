/** Frees bytes for an account by closing the relay of another. @returns whether it has freed any */
export type Evict = (account: BudgetAccount, bytes: number) => boolean;

/** Bounds the bytes of all sockets together, so that many large messages cannot exhaust the memory of the process. */
export class ByteBudget {
  private acquired = 0;

  /** @param evict called for room when the budget is full. Default: frees nothing */
  constructor(
    private readonly limitBytes: number,
    private readonly evict: Evict = () => false,
  ) {}

  /** Bytes of all accounts together. */
  get bytes(): number {
    return this.acquired;
  }

  /**
   * Acquires bytes for an account, and evicts others for them. @returns false, and acquires none, if there is no room
   */
  tryAcquire(bytes: number, account: BudgetAccount): boolean {
    while (this.acquired + bytes > this.limitBytes) {
      if (bytes > this.limitBytes || !this.evict(account, bytes)) return false;
    }
    this.acquired += bytes;
    return true;
  }

  release(bytes: number): void {
    this.acquired -= bytes;
  }
}

/** The bytes that one end of a relay has acquired from a budget. */
export class BudgetAccount {
  private acquired = 0;

  /** @param owner a user, the network of an unauthenticated client, or an upstream. An owner may have many accounts */
  constructor(
    private readonly budget: ByteBudget,
    readonly owner: unknown,
  ) {}

  get bytes(): number {
    return this.acquired;
  }

  tryAcquire(bytes: number): boolean {
    if (!this.budget.tryAcquire(bytes, this)) return false;
    this.acquired += bytes;
    return true;
  }

  release(bytes: number): void {
    this.budget.release(bytes);
    this.acquired -= bytes;
  }
}

/** One part of an account. */
export class BudgetShare {
  private acquired = 0;

  constructor(private readonly account: BudgetAccount) {}

  get bytes(): number {
    return this.acquired;
  }

  /** Acquires or releases the difference to `bytes`. @returns false, and changes nothing, if there is no room */
  set(bytes: number): boolean {
    const more = bytes - this.acquired;
    if (more > 0 && !this.account.tryAcquire(more)) return false;
    if (more < 0) this.account.release(-more);
    this.acquired = bytes;
    return true;
  }
}

/** The part of an account that eviction reads. */
type OwnedBytes = Pick<BudgetAccount, 'owner' | 'bytes'>;

/** The part of a relay that the budget uses. */
export interface Evictable {
  /** The accounts of its two ends. */
  readonly accounts: readonly OwnedBytes[];
  /** Closes the relay and releases all its bytes at once. */
  evict(): void;
}

/**
 * Evicts one relay when the budget is full: of all owners, the one with the most bytes loses its relay with the most
 * bytes. So an owner with less than the budget divided by the number of owners keeps its relays.
 * @param account the account that needs room
 * @param bytes number of bytes that it needs; they count as bytes of its owner
 * @returns false if the relay to evict is the account's own, or if the eviction freed nothing
 */
export function evictGreatest(relays: Iterable<Evictable>, account: OwnedBytes, bytes: number): boolean {
  const all = [...relays];
  const owner = greatestOwner(all, account, bytes);
  let [most, evicted]: [number, Evictable | undefined] = [-1, undefined];
  for (const relay of all) {
    for (const each of relay.accounts) {
      if (each.owner !== owner) continue;
      const total = each.bytes + (each === account ? bytes : 0);
      if (total > most) [most, evicted] = [total, relay];
    }
  }
  if (evicted === undefined || evicted.accounts.includes(account)) return false;
  const before = bytesOf(evicted);
  evicted.evict();
  return bytesOf(evicted) < before;
}

function greatestOwner(relays: readonly Evictable[], account: OwnedBytes, bytes: number): unknown {
  const totals = new Map<unknown, number>([[account.owner, bytes]]);
  for (const { accounts } of relays) {
    for (const each of accounts) {
      if (each.bytes > 0) totals.set(each.owner, (totals.get(each.owner) ?? 0) + each.bytes);
    }
  }
  let greatest = account.owner;
  for (const [owner, total] of totals) if (total > totals.get(greatest)!) greatest = owner;
  return greatest;
}

function bytesOf({ accounts }: Evictable): number {
  return accounts.reduce((sum, { bytes }) => sum + bytes, 0);
}
