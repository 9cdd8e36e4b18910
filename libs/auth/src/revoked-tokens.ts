/** Below this many entries a sweep is not worth its time. */
const SWEEP_FROM = 1024;

/** A bounded set of `jti`s, each with the moment from which it need not be known any more. */
export class RevokedTokens {
  /** `performance.now()` by `jti`, oldest entry first: no clock that somebody sets can bring a token back. */
  private readonly endings = new Map<string, number>();
  private sweepAt = SWEEP_FROM;
  private forgotten = false;

  /** @param most entries, about 150 bytes each; past it the oldest is forgotten */
  constructor(private readonly most: number) {}

  get size(): number {
    return this.endings.size;
  }

  get isFull(): boolean {
    return this.endings.size >= this.most;
  }

  /** Whether an entry was forgotten before its time since this was last set to false. */
  get hasForgotten(): boolean {
    return this.forgotten;
  }

  has(tokenId: string): boolean {
    return this.endings.has(tokenId);
  }

  /** Whether it was not there before. @param lifeMs for how long it must be known */
  add(tokenId: string, lifeMs: number): boolean {
    const isNew = !this.endings.has(tokenId);
    if (isNew && this.endings.size >= Math.min(this.sweepAt, this.most)) this.sweep();
    if (isNew && this.isFull) this.forgetOldest();
    this.endings.set(tokenId, performance.now() + lifeMs);
    return isNew;
  }

  delete(tokenId: string): void {
    this.endings.delete(tokenId);
  }

  /** Begins anew to watch whether entries are forgotten, once there is room. Whether there is. */
  makeRoom(): boolean {
    this.sweep();
    if (!this.isFull) this.forgotten = false;
    return !this.isFull;
  }

  /** At twice the size that the last sweep left, so that its cost for each token stays constant. */
  private sweep(): void {
    const now = performance.now();
    for (const [tokenId, ending] of this.endings) if (ending <= now) this.endings.delete(tokenId);
    this.sweepAt = Math.max(SWEEP_FROM, this.endings.size * 2);
  }

  private forgetOldest(): void {
    const [oldest] = this.endings.keys();
    this.endings.delete(oldest!);
    this.forgotten = true;
  }
}
