import { RetryBudget } from './retry-budget.js';

const spendAll = (budget: RetryBudget, now: number): number => {
  let spent = 0;
  while (budget.tryRetry(now, true)) spent++;
  return spent;
};

describe('a retry budget', () => {
  it('has a few for those who ask rarely', () => {
    expect(spendAll(new RetryBudget(0.2), 0)).toBe(10);
  });

  it('grows with the requests of the last seconds, and no further', () => {
    const budget = new RetryBudget(0.2);
    for (let each = 0; each < 100; each++) budget.addRequest(0);

    expect(spendAll(budget, 0)).toBe(30);
    expect(spendAll(budget, 5_000)).toBe(0);
    expect(spendAll(budget, 20_000)).toBe(10);
    expect([budget.retriesTotal, budget.refusedTotal]).toEqual([40, 3]);
  });
});
