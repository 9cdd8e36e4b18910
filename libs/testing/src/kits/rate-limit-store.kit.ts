import assert from 'node:assert/strict';
import type { RateLimitCount, RateLimitStore } from '@app/gateway';
import { delay, randomId } from '@app/proxy/internal';
import { kitCase, type KitCase } from './kit-case.js';

const WINDOW_MS = 60_000;
const SHORT_WINDOW_MS = 1_000;

/** Milliseconds by which the end of a window may be late. */
const LATE_MS = 2_000;

const ASK_EVERY_MS = 20;

/** Milliseconds by which a rounded duration may be too long. */
const ROUNDING_MS = 1;

/** Owners as tokens and addresses name them, and worse. */
const OWNERS: readonly string[] = [
  'user:1',
  'user:10',
  'USER:1',
  'user:1:',
  'user:1 ',
  'address:2001:db8::/64',
  'user:*',
  'user:..',
  "user:'; drop table counts; --",
  'user:%00',
  'user:a\nb',
  'user:\u{e9}\u{1f4a5}',
  `user:${'x'.repeat(500)}`,
  `user:${'x'.repeat(501)}`,
];

/** A key that no other case has. */
const newKey = (): string => `KIT:${randomId()}`;

/** What every `RateLimitStore` must do. One case waits for the end of a window of a second. */
export const rateLimitStoreKit: readonly KitCase<RateLimitStore>[] = [
  kitCase('is up', (store) => assert.notEqual(store.isUp, false)),
  kitCase('counts the points of a key', async (store) => {
    const key = newKey();
    assert.deepEqual(await pointsOf(store, key, [1, 1, 3]), [1, 2, 5]);
  }),
  kitCase('takes any number of points at once', async (store) => {
    const key = newKey();
    assert.deepEqual(await pointsOf(store, key, [1_000_000, 1]), [1_000_000, 1_000_001]);
  }),
  kitCase('counts each key by itself, keys of all characters', async (store) => {
    const prefix = newKey();
    for (const [index, owner] of OWNERS.entries()) {
      const { consumedPoints } = await store.consume(`${prefix}:${owner}`, index + 1, WINDOW_MS);
      assert.equal(consumedPoints, index + 1, `the key of '${owner}' has points of another key`);
    }
  }),
  kitCase('counts calls at the same time one after another', async (store) => {
    const key = newKey();
    const calls = Array.from({ length: 50 }, async () => store.consume(key, 1, WINDOW_MS));
    const counts = (await Promise.all(calls)).map(({ consumedPoints }) => consumedPoints);
    const expected = Array.from({ length: 50 }, (_, index) => index + 1);
    assert.deepEqual(
      counts.toSorted((one, other) => one - other),
      expected,
    );
  }),
  kitCase('says how long the window lasts, which further points do not extend', async (store) => {
    const key = newKey();
    const first = await store.consume(key, 1, WINDOW_MS);
    await delay(ASK_EVERY_MS);
    const second = await store.consume(key, 1, WINDOW_MS);
    for (const { msBeforeNext } of [first, second]) {
      assert.ok(
        msBeforeNext >= WINDOW_MS - LATE_MS && msBeforeNext <= WINDOW_MS + ROUNDING_MS,
        `${msBeforeNext} ms are left`,
      );
    }
    assert.ok(second.msBeforeNext <= first.msBeforeNext, 'the second call has made the window longer');
  }),
  kitCase('begins at 0 after the window', async (store) => {
    const key = newKey();
    const first = await store.consume(key, 5, SHORT_WINDOW_MS);
    assert.ok(
      first.msBeforeNext <= SHORT_WINDOW_MS + ROUNDING_MS,
      `${first.msBeforeNext} ms of ${SHORT_WINDOW_MS} are left`,
    );
    const begunAt = performance.now();
    const next = await untilNextWindow(store, key, first);
    assert.ok(next.msBeforeNext > 0 && next.msBeforeNext <= SHORT_WINDOW_MS + ROUNDING_MS);
    const early = SHORT_WINDOW_MS / 2;
    assert.ok(performance.now() - begunAt > early, 'the window has ended before its time');
  }),
];

async function pointsOf(store: RateLimitStore, key: string, each: readonly number[]): Promise<number[]> {
  const counts: number[] = [];
  for (const points of each) counts.push((await store.consume(key, points, WINDOW_MS)).consumedPoints);
  return counts;
}

/** The first count of the next window. */
async function untilNextWindow(
  store: RateLimitStore,
  key: string,
  { msBeforeNext }: RateLimitCount,
): Promise<RateLimitCount> {
  const deadline = performance.now() + msBeforeNext + LATE_MS;
  for (;;) {
    await delay(ASK_EVERY_MS);
    const count = await store.consume(key, 1, SHORT_WINDOW_MS);
    if (count.consumedPoints === 1) return count;
    assert.ok(performance.now() < deadline, 'the count goes on after its window');
  }
}
