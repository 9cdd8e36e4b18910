import { Injectable } from '@nestjs/common';

/** Called with the `jti` of a token as soon as it is known to be revoked. Must not throw. */
export type RevocationListener = (tokenId: string) => void;

/** Remembers which access tokens were revoked before they expired, and tells those who must act on it. */
export abstract class RevocationStore {
  private readonly listeners: RevocationListener[] = [];

  /** Asks to be told of every revocation from now on. */
  onRevoked(listener: RevocationListener): void {
    this.listeners.push(listener);
  }

  protected announce(tokenId: string): void {
    for (const listener of this.listeners) listener(tokenId);
  }

  /** Whether the token with this `jti` was revoked. */
  abstract isRevoked(tokenId: string): boolean | Promise<boolean>;

  /** Revokes a token at once. @param expiresAt the token's `exp`, in seconds since 1970; it need not be kept longer */
  abstract revoke(tokenId: string, expiresAt: number): void;
}

/**
 * Keeps revoked tokens in this process until they would have expired anyway. An entry is never evicted before, or
 * a full store would bring a revoked token back.
 */
@Injectable()
export class MemoryRevocationStore extends RevocationStore {
  private readonly expiries = new Map<string, number>();
  private sweepAt = SWEEP_FROM;

  override isRevoked(tokenId: string): boolean {
    return this.expiries.has(tokenId);
  }

  override revoke(tokenId: string, expiresAt: number): void {
    this.expiries.set(tokenId, expiresAt);
    if (this.expiries.size >= this.sweepAt) this.sweep();
    this.announce(tokenId);
  }

  get size(): number {
    return this.expiries.size;
  }

  /** At twice the size that the last sweep left, so that its cost per token stays constant. */
  private sweep(): void {
    const now = Date.now() / 1000;
    for (const [tokenId, expiresAt] of this.expiries) if (expiresAt <= now) this.expiries.delete(tokenId);
    this.sweepAt = Math.max(SWEEP_FROM, this.expiries.size * 2);
  }
}

const SWEEP_FROM = 1024;
