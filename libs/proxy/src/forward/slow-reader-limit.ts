import type { Ticking } from '../http/ticker.js';
import type { StreamedBodyLimit } from './streamed-body-limit.js';

/** A response whose client has not read for a while, though there is more. */
export interface SlowReader {
  /** Its client's address, or the /64 of an IPv6 address. */
  readonly network: string;
  /** Breaks the response off, and releases its connection. */
  breakOff(): void;
}

/**
 * Limits the responses of one upstream whose clients do not read, so that they cannot occupy every connection to it. While no
 * request waits for a connection, they may use all. Otherwise slow readers and requests with a streamed body have one share
 * of the connections together; past it one slow response is broken off for each request that waits.
 */
export class SlowReaderLimit implements Ticking {
  /** See `DenseMember`. */
  slot = -1;
  /** In the order in which they became slow. */
  private readonly readers = new Set<SlowReader>();
  /** Readers cut since the process began. */
  cutTotal = 0;

  /**
   * @param bodies the limit with which the readers share the connections
   * @param countPending returns the number of requests that wait for a connection
   */
  constructor(
    private readonly bodies: StreamedBodyLimit,
    private readonly countPending: () => number,
  ) {}

  add(reader: SlowReader): void {
    this.readers.add(reader);
  }

  delete(reader: SlowReader): void {
    if (this.readers.size > 0) this.readers.delete(reader);
  }

  /** Breaks off responses past the limits, in the order in which they became slow. */
  tick(): void {
    if (this.readers.size === 0) return;
    let pending = this.countPending();
    if (pending === 0) return;
    const { limit, networkLimit, inProgress } = this.bodies;
    const byNetwork = this.countByNetwork();
    let count = this.readers.size + inProgress;
    for (const reader of this.readers) {
      const ofNetwork = byNetwork.get(reader.network)!;
      if (ofNetwork <= networkLimit && count <= limit) continue;
      byNetwork.set(reader.network, ofNetwork - 1);
      count--;
      this.cutTotal++;
      reader.breakOff();
      if (--pending === 0) return;
    }
  }

  private countByNetwork(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { network } of this.readers) {
      const before = counts.get(network) ?? this.bodies.countOf(network);
      counts.set(network, before + 1);
    }
    return counts;
  }
}
