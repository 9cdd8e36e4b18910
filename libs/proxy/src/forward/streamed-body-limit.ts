/** A request with a streamed body. */
export interface StreamedBody {
  /** Its client's address, or the /64 of an IPv6 address. */
  readonly network: string;
  /** A queued request may be sent now. */
  onAcquired(): void;
}

export interface StreamedBodyLimitOptions {
  /** Largest share of an upstream's connections for requests with a streamed body, 0 to 1. */
  readonly share: number;
  /** Largest share for one client network, 0 to 1. */
  readonly networkShare: number;
  /** Longest time in milliseconds that a request is queued. */
  readonly queueTimeoutMs: number;
}

/**
 * Limits the requests of one upstream whose bodies are streamed, so that slow clients cannot occupy every connection to it.
 * Requests past a share of the connections are queued. Requests of one network past a smaller share are refused.
 */
export class StreamedBodyLimit {
  /** Number of requests that have acquired, without the queue. */
  inProgress = 0;
  private readonly byNetwork = new Map<string, number>();
  private readonly queue = new Set<StreamedBody>();
  private isDequeueScheduled = false;

  /** @param connections returns the most connections of the upstream at present */
  constructor(
    private readonly connections: () => number,
    private readonly options: StreamedBodyLimitOptions,
  ) {}

  /** Longest time in milliseconds that a request is queued; its owner checks it. */
  get queueTimeoutMs(): number {
    return this.options.queueTimeoutMs;
  }

  /** Most connections for requests with a streamed body. */
  get limit(): number {
    return this.limitOf(this.options.share);
  }

  /** Most connections for one client network. */
  get networkLimit(): number {
    return this.limitOf(this.options.networkShare);
  }

  /** Number of requests of one client network, with the queue. */
  countOf(network: string): number {
    return this.byNetwork.get(network) ?? 0;
  }

  /**
   * Acquires, or joins the queue. In both cases the owner must call `release` once.
   * @returns `network limit` if the client's network has reached its limit, `queue full` if the queue is as long as the
   * upstream may have connections; in both cases there is nothing to release
   */
  tryAcquire(body: StreamedBody): 'acquired' | 'queued' | 'network limit' | 'queue full' {
    const ofNetwork = this.countOf(body.network);
    if (ofNetwork >= this.networkLimit) return 'network limit';
    const isOver = this.inProgress >= this.limit || this.queue.size > 0;
    if (isOver && this.queue.size >= this.limitOf(1)) return 'queue full';
    this.byNetwork.set(body.network, ofNetwork + 1);
    if (isOver) {
      this.queue.add(body);
      return 'queued';
    }
    this.inProgress++;
    return 'acquired';
  }

  release(body: StreamedBody): void {
    const ofNetwork = this.byNetwork.get(body.network)! - 1;
    if (ofNetwork === 0) this.byNetwork.delete(body.network);
    else this.byNetwork.set(body.network, ofNetwork);
    if (this.queue.delete(body)) return;
    this.inProgress--;
    this.dequeueSoon();
  }

  /**
   * Lets queued requests acquire, if there is room. In a turn of the event loop of its own: a request that fails at once calls
   * `release`, which must not run within the end of another request.
   */
  dequeueSoon(): void {
    if (this.isDequeueScheduled || this.queue.size === 0) return;
    this.isDequeueScheduled = true;
    setImmediate(() => this.dequeue());
  }

  private dequeue(): void {
    for (const body of this.queue) {
      if (this.inProgress >= this.limit) break;
      this.queue.delete(body);
      this.inProgress++;
      body.onAcquired();
    }
    this.isDequeueScheduled = false;
  }

  private limitOf(share: number): number {
    return Math.max(1, Math.floor(this.connections() * share));
  }
}
