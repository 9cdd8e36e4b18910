import type { Ticking } from '../http/ticker.js';
import type { StreamedBodyLimitOptions } from './streamed-body-limit.js';

/** A response whose client has taken nothing for a while, though there is more. */
export interface SlowReader {
  /** Its client's address, or the /64 of an IPv6 address. */
  readonly network: string;
  /** Breaks the response off, and gives its connection back. */
  cutSlowReader(): void;
}

/** What the limit asks its upstream. */
export interface SharedConnections {
  /** Connections that the upstream may have at present. */
  count(): number;
  /** Requests that wait for one. */
  waiting(): number;
  /** Requests with a streamed body, which have a part of the same share. */
  streamedBodies(): number;
  /** The same of one client network. */
  streamedBodiesOf(network: string): number;
}

/**
 * Limits the responses of one upstream whose clients do not read, so that they cannot hold every connection to it. While no
 * request waits for a connection, they may have all of them. Otherwise they and the requests with a streamed body have one
 * share of the connections; past it a reader is cut for each request that waits.
 */
export class SlowReaderLimit implements Ticking {
  slot = -1;
  /** Those that were added first have waited longest. */
  private readonly readers = new Set<SlowReader>();
  /** Readers cut since the process began. */
  cutTotal = 0;

  constructor(
    private readonly connections: SharedConnections,
    private readonly options: Pick<StreamedBodyLimitOptions, 'share' | 'networkShare'>,
  ) {}

  add(reader: SlowReader): void {
    this.readers.add(reader);
  }

  delete(reader: SlowReader): void {
    if (this.readers.size > 0) this.readers.delete(reader);
  }

  /** Cuts readers past the limits. Those go first that have waited longest. */
  tick(): void {
    if (this.readers.size === 0) return;
    let waiting = this.connections.waiting();
    if (waiting === 0) return;
    const [most, mostOfNetwork] = [this.limitOf(this.options.share), this.limitOf(this.options.networkShare)];
    const byNetwork = this.countByNetwork();
    let count = this.readers.size + this.connections.streamedBodies();
    for (const reader of this.readers) {
      const ofNetwork = byNetwork.get(reader.network)!;
      if (ofNetwork <= mostOfNetwork && count <= most) continue;
      byNetwork.set(reader.network, ofNetwork - 1);
      count--;
      this.cutTotal++;
      reader.cutSlowReader();
      if (--waiting === 0) return;
    }
  }

  private countByNetwork(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { network } of this.readers) {
      const before = counts.get(network) ?? this.connections.streamedBodiesOf(network);
      counts.set(network, before + 1);
    }
    return counts;
  }

  private limitOf(share: number): number {
    return Math.max(1, Math.floor(this.connections.count() * share));
  }
}
