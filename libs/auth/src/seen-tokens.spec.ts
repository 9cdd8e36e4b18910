import { createHash } from 'node:crypto';
import { SeenTokens } from './seen-tokens.js';

const tokenOf = (id: number): string =>
  `header.claims.${createHash('sha256').update(`${id}`).digest('base64url')}`;

describe('SeenTokens', () => {
  it('knows a token at its second request', () => {
    const seen = new SeenTokens(100);

    expect([seen.add(tokenOf(1)), seen.add(tokenOf(1)), seen.add(tokenOf(2))]).toEqual([false, true, false]);
  });

  it('knows nearly all of as many tokens as the cache can hold', () => {
    const seen = new SeenTokens(1_000);
    const tokens = Array.from({ length: 1_000 }, (_, id) => tokenOf(id));
    for (const token of tokens) seen.add(token);

    expect(tokens.filter((token) => seen.add(token)).length).toBeGreaterThan(500);
  });

  it('forgets a token for later ones', () => {
    const seen = new SeenTokens(10);
    const tokens = Array.from({ length: 1_000 }, (_, id) => tokenOf(id));
    for (const token of tokens) seen.add(token);

    expect(tokens.slice(0, 100).filter((token) => seen.add(token)).length).toBeLessThan(10);
  });
});
