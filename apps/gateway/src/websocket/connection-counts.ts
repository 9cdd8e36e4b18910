/** Counts the sockets of a route, those too whose handshake is not complete, so that a burst cannot slip past. */
export class ConnectionCounts {
  private readonly byHolder = new Map<string, number>();
  private total = 0;

  constructor(
    private readonly perHolder: number,
    private readonly inAll: number,
  ) {}

  /** Whether there was room for one more. @param holder a user, or the network of a client that nobody knows */
  tryAcquire(holder: string): boolean {
    const held = this.byHolder.get(holder) ?? 0;
    if (held >= this.perHolder || this.total >= this.inAll) return false;
    this.byHolder.set(holder, held + 1);
    this.total++;
    return true;
  }

  release(holder: string): void {
    const held = this.byHolder.get(holder)! - 1;
    if (held === 0) this.byHolder.delete(holder);
    else this.byHolder.set(holder, held);
    this.total--;
  }
}
