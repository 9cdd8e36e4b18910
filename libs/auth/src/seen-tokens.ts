/** Fingerprints for each token that the cache can hold. */
const FINGERPRINTS_PER_TOKEN = 2;

/** Characters of a token's signature that make its fingerprint; each of them has 6 bits. */
const CHARACTERS = 5;

/**
 * Tokens that were verified a short while ago, by fingerprints of their signatures. A token is worth a place in the cache at its
 * second request: if there are more users than places, most tokens would otherwise go in, make others go out, and be gone before
 * they are asked for again. A fingerprint proves nothing: only tokens that have been verified are added.
 */
export class SeenTokens {
  private readonly fingerprints: Uint32Array;

  /** @param cachedTokens tokens that the cache can hold */
  constructor(cachedTokens: number) {
    this.fingerprints = new Uint32Array(cachedTokens * FINGERPRINTS_PER_TOKEN);
  }

  /** Adds a token. A later one may replace it. @returns whether it was there, or another one with its fingerprint */
  add(token: string): boolean {
    let fingerprint = 1;
    for (let at = token.length - CHARACTERS - 1; at < token.length - 1; at++) {
      fingerprint = (fingerprint * 67 + token.charCodeAt(at)) >>> 0;
    }
    const place = fingerprint % this.fingerprints.length;
    if (this.fingerprints[place] === fingerprint) return true;
    this.fingerprints[place] = fingerprint;
    return false;
  }
}
