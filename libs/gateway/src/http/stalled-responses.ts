import { ClientStalledException, Ticker, type Exchange, type Ticking } from '@app/proxy/internal';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { OpenExchanges } from './open-exchanges.js';

/** How often responses are checked, in milliseconds. */
const TICK_MS = 1_000;

/** The number of bytes of a response that wait for its client, and since when it has not changed, in milliseconds. */
interface Waiting {
  readonly bytes: number;
  readonly since: number;
}

/**
 * Ends the connections of clients that do not read: bytes of a complete response, also of a controller's, may wait in
 * the connection's buffer without progress for `STREAM_IDLE_TIMEOUT_MS`.
 */
@Injectable()
export class StalledResponses implements Ticking, OnApplicationShutdown {
  /** See `DenseMember`. */
  slot = -1;
  private readonly limitMs: number;
  private readonly ticker: Ticker;
  private waiting = new Map<Exchange, Waiting>();

  constructor(
    @Inject(SETTINGS) { proxy }: Settings,
    private readonly open: OpenExchanges,
  ) {
    this.limitMs = proxy.streamIdleTimeoutMs;
    this.ticker = new Ticker(Math.min(TICK_MS, this.limitMs));
    this.ticker.add(this);
  }

  tick(now: number): void {
    const waiting = new Map<Exchange, Waiting>();
    for (const exchange of this.open) {
      const { response } = exchange;
      if (!response.writableEnded || response.writableFinished) continue;
      const bytes = response.socket?.writableLength ?? 0;
      const before = this.waiting.get(exchange);
      if (before?.bytes !== bytes) {
        waiting.set(exchange, { bytes, since: now });
      } else if (now - before.since <= this.limitMs) {
        waiting.set(exchange, before);
      } else {
        exchange.failure ??= new ClientStalledException();
        response.destroy();
      }
    }
    this.waiting = waiting;
  }

  onApplicationShutdown(): void {
    this.ticker.stop();
  }
}
