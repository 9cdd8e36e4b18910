/** A request whose body is to be streamed. */
export interface StreamedBody {
  /** Its client's address, or the /64 of an IPv6 address. */
  readonly network: string;
  /** The request was queued, and may be sent now. */
  onAcquired(): void;
}

export interface StreamedBodyLimitOptions {
  /** Most of an upstream's connections that requests with a streamed body may hold, 0 to 1. */
  readonly share: number;
  /** The same for one client network. */
  readonly networkShare: number;
  /** Longest time in milliseconds that a request is queued. */
  readonly queueTimeoutMs: number;
}

/**
 * Limits the requests of one upstream whose bodies are streamed, so that clients which send slowly cannot hold every
 * connection to it. Requests past a share of the connections are queued. Requests of one network past a smaller share are
 * refused.
 */
export class StreamedBodyLimit {
  private acquired = 0;
  private readonly byNetwork = new Map<string, number>();
  private readonly queue = new Set<StreamedBody>();
  private isDequeueScheduled = false;

  /** @param connections number that the upstream may have at present */
  constructor(
    private readonly connections: () => number,
    private readonly options: StreamedBodyLimitOptions,
  ) {}

  /** Longest time in milliseconds that a request is queued; its owner sees to it. */
  get queueTimeoutMs(): number {
    return this.options.queueTimeoutMs;
  }

  /** Most connections that requests with a streamed body may hold. */
  get most(): number {
    return this.limitOf(this.options.share);
  }

  /** The same for one client network. */
  get mostOfNetwork(): number {
    return this.limitOf(this.options.networkShare);
  }

  /** Requests that have acquired; those in the queue do not count. */
  get inProgress(): number {
    return this.acquired;
  }

  /** Requests of one client network, those in the queue too. */
  countOf(network: string): number {
    return this.byNetwork.get(network) ?? 0;
  }

  /**
   * Acquires, or joins the queue. The owner gives back either with `release`, once.
   * @returns `refused` if the client's network has reached its limit, `full` if the queue is as long as the upstream may
   * have connections; then there is nothing to release
   */
  tryAcquire(body: StreamedBody): 'acquired' | 'queued' | 'refused' | 'full' {
    const ofNetwork = this.countOf(body.network);
    if (ofNetwork >= this.mostOfNetwork) return 'refused';
    const isOver = this.acquired >= this.most || this.queue.size > 0;
    if (isOver && this.queue.size >= this.limitOf(1)) return 'full';
    this.byNetwork.set(body.network, ofNetwork + 1);
    if (isOver) {
      this.queue.add(body);
      return 'queued';
    }
    this.acquired++;
    return 'acquired';
  }

  release(body: StreamedBody): void {
    const ofNetwork = this.byNetwork.get(body.network)! - 1;
    if (ofNetwork === 0) this.byNetwork.delete(body.network);
    else this.byNetwork.set(body.network, ofNetwork);
    if (this.queue.delete(body)) return;
    this.acquired--;
    this.dequeueSoon();
  }

  /**
   * Lets queued requests go on, if there is room for them. In a turn of its own: one that fails at once gives back what it
   * has just acquired, and must not find itself within the end of another.
   */
  dequeueSoon(): void {
    if (this.isDequeueScheduled || this.queue.size === 0) return;
    this.isDequeueScheduled = true;
    setImmediate(() => this.dequeue());
  }

  private dequeue(): void {
    for (const body of this.queue) {
      if (this.acquired >= this.most) break;
      this.queue.delete(body);
      this.acquired++;
      body.onAcquired();
    }
    this.isDequeueScheduled = false;
  }

  private limitOf(share: number): number {
    return Math.max(1, Math.floor(this.connections() * share));
  }
}
