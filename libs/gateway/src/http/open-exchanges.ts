import { DenseSet, type Exchange } from '@app/proxy/internal';
import { Injectable } from '@nestjs/common';
import { IdleConnections } from './idle-connections.js';
import { isScrape } from './scrape.js';

/** The exchanges in progress. The drain makes each of them the last exchange of its connection. */
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
   * From now on adds `Connection: close` to every response except that of a scrape. Responses in flight get it if their
   * headers have not been sent.
   */
  endConnections(): void {
    this.ending = true;
    for (const exchange of this.exchanges) end(exchange);
  }
}

function end(exchange: Exchange): void {
  if (!isScrape(exchange.request)) exchange.endConnection();
}
