import type { BudgetAccount } from './byte-budget.js';

/** A relay as the budget sees it. */
export interface Evictable {
  /** Of its two ends. */
  readonly accounts: readonly BudgetAccount[];
  /** Closes it and gives back all that it holds, now. */
  evict(): void;
}

/**
 * Makes room in a full budget: of all holders the one that holds most loses the relay that holds most for it. So a holder
 * keeps its relays as long as it holds less than the budget divided by the number of holders, whatever others do.
 * @param asker the account that needs room @param bytes how much; they count as held by it
 * @returns false if it is the asker's own relay that has to go, or if nothing was freed
 */
export function makeRoom(relays: Iterable<Evictable>, asker: BudgetAccount, bytes: number): boolean {
  const all = [...relays];
  const holder = greatestHolder(all, asker, bytes);
  let [most, evicted]: [number, Evictable | undefined] = [-1, undefined];
  for (const relay of all) {
    for (const account of relay.accounts) {
      if (account.holder !== holder) continue;
      const held = account.heldBytes + (account === asker ? bytes : 0);
      if (held > most) [most, evicted] = [held, relay];
    }
  }
  if (evicted === undefined || evicted.accounts.includes(asker)) return false;
  const before = heldBy(evicted);
  evicted.evict();
  return heldBy(evicted) < before;
}

function greatestHolder(relays: readonly Evictable[], asker: BudgetAccount, bytes: number): unknown {
  const totals = new Map<unknown, number>([[asker.holder, bytes]]);
  for (const { accounts } of relays) {
    for (const { holder, heldBytes } of accounts) {
      if (heldBytes > 0) totals.set(holder, (totals.get(holder) ?? 0) + heldBytes);
    }
  }
  let greatest = asker.holder;
  for (const [holder, total] of totals) if (total > totals.get(greatest)!) greatest = holder;
  return greatest;
}

function heldBy({ accounts }: Evictable): number {
  return accounts.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
}
