import { DenseSet, type Exchange } from '@app/proxy';
import { Injectable } from '@nestjs/common';
import { IdleConnections } from './idle-connections.js';
import { isScrape } from './scrape.js';

/** The exchanges that are being served now, so that the drain can make each the last of its connection. */
@Injectable()
export class OpenExchanges {
  private readonly exchanges = new DenseSet<Exchange>();
  private ending = false;

  constructor(private readonly idle: IdleConnections) {}

  [Symbol.iterator](): Iterator<Exchange> {
    return this.exchanges[Symbol.iterator]();
  }

  get size(): number {
    return this.exchanges.size;
  }

  add(exchange: Exchange): void {
    this.exchanges.add(exchange);
    this.idle.begin(exchange.request.socket);
    if (this.ending) end(exchange);
  }

  delete(exchange: Exchange): void {
    this.exchanges.delete(exchange);
    // A WebSocket is never idle.
    if (!exchange.hasSwitchedProtocols) this.idle.end(exchange.request.socket);
  }

  /**
   * From now on every response but that of a scrape says `Connection: close`, those in flight too where their headers
   * are not out.
   */
  endConnections(): void {
    this.ending = true;
    for (const exchange of this.exchanges) end(exchange);
  }
}

function end(exchange: Exchange): void {
  if (!isScrape(exchange.request)) exchange.endConnection();
}
