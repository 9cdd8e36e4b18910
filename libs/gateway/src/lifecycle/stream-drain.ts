import { Drainable, type DrainTarget } from '../http/drainable.js';
import { GatewayDrainingException } from '../http/exceptions.js';
import { OpenExchanges } from '../http/open-exchanges.js';
import {
  delay,
  inRandomOrder,
  randomFraction,
  Ticker,
  type Exchange,
  type Ticking,
} from '@app/proxy/internal';
import type { OnApplicationShutdown } from '@nestjs/common';

/** Share of a drain's time in which streams end, 0 to 1. The rest is for events in progress, and for the connections. */
const SPREAD_RATIO = 0.8;

/** How often the drain looks for streams, in milliseconds. */
const CHECK_MS = 50;

/** Shortest and longest time after which the client of an event stream is told to come back, in milliseconds. */
const RETRY_MS = { least: 500, most: 3_000 };

/**
 * Ends streams in the drain, in random order and spread evenly over its time, so that their clients do not all come back at
 * once. An event stream ends normally behind a whole event and a `retry` field with a random time. Any other stream ends with its
 * connection, so that its client does not take it for complete.
 */
@Drainable()
export class StreamDrain implements DrainTarget, Ticking, OnApplicationShutdown {
  /** See `DenseMember`. */
  slot = -1;
  /** When each stream is to end, in milliseconds of `performance.now()`. */
  private readonly ends = new Map<Exchange, number>();
  private spreadUntil = 0;
  private ticker: Ticker | undefined;

  constructor(private readonly open: OpenExchanges) {}

  refuseNew(): void {
    // A stream that begins in the drain ends in it: requests still come over open connections.
  }

  countOpen(): { readonly streams: number } {
    return { streams: this.streams.length };
  }

  async drain(deadline: number): Promise<void> {
    const now = performance.now();
    this.spreadUntil = now + (deadline - now) * SPREAD_RATIO;
    this.ticker = new Ticker(CHECK_MS);
    this.ticker.add(this);
    while (this.open.size > 0 && performance.now() < deadline) {
      await delay(Math.min(CHECK_MS, Math.max(0, deadline - performance.now())));
    }
  }

  tick(now: number): void {
    this.spread(
      this.streams.filter((stream) => !this.ends.has(stream)),
      now,
    );
    for (const [stream, endAt] of this.ends) {
      if (endAt > now) continue;
      this.ends.set(stream, Infinity);
      stream.endEarly(new GatewayDrainingException(), retryMs());
    }
  }

  onApplicationShutdown(): void {
    this.ticker?.stop();
  }

  private get streams(): Exchange[] {
    return [...this.open].filter(({ isStream }) => isStream);
  }

  /** Gives each stream its moment. */
  private spread(streams: readonly Exchange[], now: number): void {
    const leftMs = Math.max(0, this.spreadUntil - now);
    for (const [index, stream] of inRandomOrder(streams).entries())
      this.ends.set(stream, now + (leftMs * index) / streams.length);
  }
}

function retryMs(): number {
  return Math.round(RETRY_MS.least + randomFraction() * (RETRY_MS.most - RETRY_MS.least));
}
