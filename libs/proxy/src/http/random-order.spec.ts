import { inRandomOrder } from './random-order.js';

describe('a random order', () => {
  it('has each item once, and another order nearly each time', () => {
    const items = Array.from({ length: 50 }, (_, index) => index);

    const orders = Array.from({ length: 10 }, () => inRandomOrder(new Set(items)));

    for (const order of orders) expect(order.toSorted((one, other) => one - other)).toEqual(items);
    expect(new Set(orders.map(String)).size).toBe(10);
  });

  it('of nothing is empty', () => {
    expect(inRandomOrder([])).toEqual([]);
  });
});
