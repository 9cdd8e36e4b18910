import type { BudgetAccount } from './byte-budget.js';
import { makeRoom, type Evictable } from './eviction.js';

/** A relay whose two ends hold so much for these holders. */
class Relay implements Evictable {
  readonly accounts: readonly [BudgetAccount, BudgetAccount];
  isEvicted = false;

  constructor(user: string, ofUser: number, upstream = 'an upstream', ofUpstream = 0) {
    this.accounts = [
      { holder: user, heldBytes: ofUser },
      { holder: upstream, heldBytes: ofUpstream },
    ];
  }

  evict(): void {
    this.isEvicted = true;
    for (const account of this.accounts) account.heldBytes = 0;
  }
}

/** Which relays are closed if the first one needs so much for its client. */
function evictedFor(bytes: number, ...relays: readonly Relay[]): boolean[] {
  makeRoom(relays, relays[0]!.accounts[0], bytes);
  return relays.map(({ isEvicted }) => isEvicted);
}

describe('makeRoom', () => {
  it('closes the largest relay of the user who holds most, though another relay is larger', () => {
    const relays = [
      new Relay('asker', 0),
      new Relay('one', 50),
      new Relay('many', 30),
      new Relay('many', 40),
    ];

    expect(evictedFor(10, ...relays)).toEqual([false, false, false, true]);
  });

  it('counts what an upstream holds over all of its users', () => {
    const relays = [
      new Relay('asker', 0),
      new Relay('one', 50),
      new Relay('two', 0, 'chat', 30),
      new Relay('three', 0, 'chat', 31),
    ];

    expect(evictedFor(10, ...relays)).toEqual([false, false, false, true]);
  });

  it('closes no other relay for one that would hold most itself', () => {
    const asker = new Relay('asker', 30);
    const other = new Relay('other', 39);

    expect(makeRoom([asker, other], asker.accounts[0], 10)).toBe(false);
    expect(other.isEvicted).toBe(false);
  });

  it('closes another relay of the asker, if that one holds most', () => {
    const relays = [new Relay('asker', 5), new Relay('asker', 60), new Relay('other', 50)];

    expect(evictedFor(10, ...relays)).toEqual([false, true, false]);
  });

  it('says so if nothing was freed, so that nobody asks again without end', () => {
    const asker = new Relay('asker', 0);
    const stuck = new Relay('stuck', 50);
    stuck.evict = () => {};

    expect(makeRoom([asker, stuck], asker.accounts[0], 10)).toBe(false);
  });
});
