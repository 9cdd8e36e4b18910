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

  it('has no retry for a part of one', () => {
    const budget = new RetryBudget(0.2);
    for (let each = 0; each < 4; each++) budget.addRequest(0);

    expect(spendAll(budget, 0)).toBe(10);
    budget.addRequest(0);
    expect(spendAll(budget, 0)).toBe(1);
  });

  it('has no more for requests past than one to two windows ago', () => {
    const budget = new RetryBudget(0.2);
    for (let each = 0; each < 100; each++) budget.addRequest(0);
    for (let each = 0; each < 50; each++) budget.addRequest(5_000);

    expect(spendAll(budget, 10_000)).toBe(20);
  });

  it('counts a refusal only if it is asked to', () => {
    const budget = new RetryBudget(0);
    spendAll(budget, 0);

    expect([budget.tryRetry(0, false), budget.tryRetry(0, true), budget.tryRetry(0, false)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([budget.retriesTotal, budget.refusedTotal]).toEqual([10, 2]);
  });
});
