import { MemoryRevocationStore } from './revocation.store.js';

const { jest } = import.meta;

const NOW = 1_000_000;

describe('MemoryRevocationStore', () => {
  beforeEach(() => jest.useFakeTimers({ now: NOW * 1000 }));
  afterEach(() => jest.useRealTimers());

  it('knows a token as revoked from the moment on', () => {
    const store = new MemoryRevocationStore();

    expect(store.isRevoked('a')).toBe(false);
    store.revoke('a', NOW + 900);
    expect(store.isRevoked('a')).toBe(true);
    expect(store.isRevoked('b')).toBe(false);
  });

  it('tells those who asked', () => {
    const store = new MemoryRevocationStore();
    const told: string[] = [];
    store.onRevoked((tokenId) => told.push(`${tokenId} ${store.isRevoked(tokenId)}`));

    store.revoke('a', NOW + 900);

    expect(told).toEqual(['a true']);
  });

  it('forgets tokens that expired by themselves, so that its size follows the logouts of one token life', () => {
    const store = new MemoryRevocationStore();

    for (let life = 0; life < 20; life++) {
      for (let each = 0; each < 1_000; each++) store.revoke(`${life}:${each}`, Date.now() / 1000 + 900);
      jest.setSystemTime(Date.now() + 901_000);
    }

    expect(store.size).toBeLessThanOrEqual(2_048);
  });

  it('never gives up a token that would still be valid, however many there are', () => {
    const store = new MemoryRevocationStore();

    for (let each = 0; each < 10_000; each++) store.revoke(String(each), NOW + 900);
    jest.setSystemTime((NOW + 899) * 1000);
    for (let each = 0; each < 10_000; each++) store.revoke(`later ${each}`, NOW + 1_800);

    expect(store.size).toBe(20_000);
    expect(store.isRevoked('0')).toBe(true);
  });
});
