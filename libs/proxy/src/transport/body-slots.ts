/** A request whose body is to be streamed. */
export interface StreamedBody {
  /** Whom its client stands for. */
  readonly network: string;
  /** The request holds a slot now, for which it waited. */
  onBodySlot(): void;
}

export interface BodySlotsOptions {
  /** The share of an upstream's connections that requests with a body in progress may hold, 0 to 1. */
  readonly share: number;
  /** The same for those of one client network. */
  readonly networkShare: number;
  /** Milliseconds that a request waits for a slot. */
  readonly waitMs: number;
}

/**
 * Counts the requests of one upstream whose bodies are in progress, so that clients which send slowly cannot hold every
 * connection to it: beyond a share of the connections such requests wait, and beyond a smaller one those of the same
 * network are refused.
 */
export class BodySlots {
  private held = 0;
  private readonly byNetwork = new Map<string, number>();
  private readonly waiting = new Set<StreamedBody>();

  /** @param connections how many the upstream may have at present */
  constructor(
    private readonly connections: () => number,
    private readonly options: BodySlotsOptions,
  ) {}

  /** Requests that hold a slot. */
  get inProgress(): number {
    return this.held;
  }

  /**
   * Takes a slot, or a place in the queue for one; the owner gives back either with `release`, once.
   * @returns `refused` if the client's network has as many as it may; then there is nothing to give back
   */
  acquire(body: StreamedBody): 'acquired' | 'waiting' | 'refused' {
    const { share, networkShare } = this.options;
    const ofNetwork = this.byNetwork.get(body.network) ?? 0;
    if (ofNetwork >= this.limitOf(networkShare)) return 'refused';
    this.byNetwork.set(body.network, ofNetwork + 1);
    if (this.held >= this.limitOf(share)) {
      this.waiting.add(body);
      return 'waiting';
    }
    this.held++;
    return 'acquired';
  }

  release(body: StreamedBody): void {
    const ofNetwork = this.byNetwork.get(body.network)! - 1;
    if (ofNetwork === 0) this.byNetwork.delete(body.network);
    else this.byNetwork.set(body.network, ofNetwork);
    if (this.waiting.delete(body)) return;
    this.held--;
    this.next();
  }

  private next(): void {
    const [first] = this.waiting;
    if (!first || this.held >= this.limitOf(this.options.share)) return;
    this.waiting.delete(first);
    this.held++;
    first.onBodySlot();
  }

  private limitOf(share: number): number {
    return Math.max(1, Math.floor(this.connections() * share));
  }
}
