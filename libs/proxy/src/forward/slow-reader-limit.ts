import type { Ticking } from '../http/ticker.js';
import type { StreamedBodyLimitOptions } from './streamed-body-limit.js';

/** A response whose client has taken nothing for a while, though there is more. */
export interface SlowReader {
  /** Its client's address, or the /64 of an IPv6 address. */
  readonly network: string;
  /** Breaks the response off, and gives its connection back. */
  cutSlowReader(): void;
}

/** Slow readers may hold as many of an upstream's connections as streamed bodies may, while requests wait for one. */
export type SlowReaderLimitOptions = Pick<StreamedBodyLimitOptions, 'share' | 'networkShare'>;

/** What the limit asks its upstream. */
export interface SharedConnections {
  /** Connections that the upstream may have at present. */
  count(): number;
  /** Whether a request waits for one. */
  hasWaiting(): boolean;
}

/**
 * Limits the responses of one upstream whose clients do not read, so that they cannot hold every connection to it. While no
 * request waits for a connection, they may have all of them.
 */
export class SlowReaderLimit implements Ticking {
  slot = -1;
  /** Those that were added first have waited longest. */
  private readonly readers = new Set<SlowReader>();
  /** Readers cut since the process began. */
  cutTotal = 0;

  constructor(
    private readonly connections: SharedConnections,
    private readonly options: SlowReaderLimitOptions,
  ) {}

  add(reader: SlowReader): void {
    this.readers.add(reader);
  }

  delete(reader: SlowReader): void {
    if (this.readers.size > 0) this.readers.delete(reader);
  }

  /** Cuts readers past the limits, if a request waits for a connection. Those go first that have waited longest. */
  tick(): void {
    const mostOfNetwork = this.limitOf(this.options.networkShare);
    if (this.readers.size <= mostOfNetwork || !this.connections.hasWaiting()) return;
    const most = this.limitOf(this.options.share);
    const byNetwork = this.countByNetwork();
    let count = this.readers.size;
    for (const reader of this.readers) {
      const ofNetwork = byNetwork.get(reader.network)!;
      if (ofNetwork <= mostOfNetwork && count <= most) continue;
      byNetwork.set(reader.network, ofNetwork - 1);
      count--;
      this.cutTotal++;
      reader.cutSlowReader();
    }
  }

  private countByNetwork(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { network } of this.readers) counts.set(network, (counts.get(network) ?? 0) + 1);
    return counts;
  }

  private limitOf(share: number): number {
    return Math.max(1, Math.floor(this.connections.count() * share));
  }
}
