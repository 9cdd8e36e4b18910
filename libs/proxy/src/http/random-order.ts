import { randomFraction } from './random.js';

/** The items in random order. */
export function inRandomOrder<Item>(items: Iterable<Item>): Item[] {
  const ranked = [...items].map((item) => ({ item, rank: randomFraction() }));
  return ranked.toSorted((one, other) => one.rank - other.rank).map(({ item }) => item);
}
