import { ClientStalledException, Ticker, type Exchange, type Ticking } from '@app/proxy';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { OpenExchanges } from './open-exchanges.js';

/** How often responses are looked at, in milliseconds. */
const TICK_MS = 1_000;

/** How much of a response waited for its client, and since when it is no less. */
interface Waiting {
  readonly bytes: number;
  readonly since: number;
}

/**
 * Ends the connections of clients that do not read: a response that is complete here, a controller's too, may wait in
 * the connection's buffer for the idle-body time and no longer.
 */
@Injectable()
export class StalledResponses implements Ticking, OnApplicationShutdown {
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
