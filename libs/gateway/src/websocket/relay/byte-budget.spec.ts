import { BudgetAccount, BudgetShare, ByteBudget, evictGreatest, type Evictable } from './byte-budget.js';

/** A relay whose two ends have these numbers of bytes, for these owners. */
class Relay implements Evictable {
  readonly accounts: readonly [{ owner: string; bytes: number }, { owner: string; bytes: number }];
  isEvicted = false;

  constructor(user: string, ofUser: number, upstream = 'an upstream', ofUpstream = 0) {
    this.accounts = [
      { owner: user, bytes: ofUser },
      { owner: upstream, bytes: ofUpstream },
    ];
  }

  evict(): void {
    this.isEvicted = true;
    for (const account of this.accounts) account.bytes = 0;
  }
}

/** The relays that are closed if the first one needs this many bytes for its client. */
function evictedFor(bytes: number, ...relays: readonly Relay[]): boolean[] {
  evictGreatest(relays, relays[0]!.accounts[0], bytes);
  return relays.map(({ isEvicted }) => isEvicted);
}

describe('evictGreatest', () => {
  it('closes the largest relay of the user with the most bytes, though another relay is larger', () => {
    const relays = [
      new Relay('needs room', 0),
      new Relay('one', 50),
      new Relay('many', 30),
      new Relay('many', 40),
    ];

    expect(evictedFor(10, ...relays)).toEqual([false, false, false, true]);
  });

  it('counts the bytes of an upstream over all of its users', () => {
    const relays = [
      new Relay('needs room', 0),
      new Relay('one', 50),
      new Relay('two', 0, 'chat', 30),
      new Relay('three', 0, 'chat', 31),
    ];

    expect(evictedFor(10, ...relays)).toEqual([false, false, false, true]);
  });

  it('closes no other relay for an owner that would have the most bytes itself', () => {
    const own = new Relay('needs room', 30);
    const other = new Relay('other', 39);

    expect(evictGreatest([own, other], own.accounts[0], 10)).toBe(false);
    expect(other.isEvicted).toBe(false);
  });

  it('closes another relay of the owner that needs room, if that one has the most bytes', () => {
    const relays = [new Relay('needs room', 5), new Relay('needs room', 60), new Relay('other', 50)];

    expect(evictedFor(10, ...relays)).toEqual([false, true, false]);
  });

  it('returns false if nothing was freed, so that the budget does not evict without end', () => {
    const own = new Relay('needs room', 0);
    const stuck = new Relay('stuck', 50);
    stuck.evict = () => {};

    expect(evictGreatest([own, stuck], own.accounts[0], 10)).toBe(false);
  });
});

describe('ByteBudget', () => {
  it('evicts until there is room, and gives an account nothing if there is none', () => {
    const others: BudgetAccount[] = [];
    const budget = new ByteBudget(100, () => {
      const other = others.pop();
      other?.release(other.bytes);
      return other !== undefined;
    });
    others.push(new BudgetAccount(budget, 'a'), new BudgetAccount(budget, 'b'));
    for (const other of others) other.tryAcquire(40);
    const account = new BudgetAccount(budget, 'c');

    expect([account.tryAcquire(90), account.bytes, budget.bytes]).toEqual([true, 90, 90]);
    expect([account.tryAcquire(20), account.bytes, budget.bytes]).toEqual([false, 90, 90]);
  });

  it('evicts no relay for more bytes than its limit', () => {
    let evictions = 0;
    const budget = new ByteBudget(100, () => ++evictions > 0);

    expect(new BudgetAccount(budget, 'a').tryAcquire(101)).toBe(false);
    expect(evictions).toBe(0);
  });
});

describe('BudgetShare', () => {
  it('keeps its bytes if there is no room for more', () => {
    const account = new BudgetAccount(new ByteBudget(100), 'a');
    const [share, other] = [new BudgetShare(account), new BudgetShare(account)];
    share.set(30);
    other.set(60);

    expect([share.set(50), share.bytes, account.bytes]).toEqual([false, 30, 90]);
    expect([other.set(0), share.set(50), account.bytes]).toEqual([true, true, 50]);
  });
});
