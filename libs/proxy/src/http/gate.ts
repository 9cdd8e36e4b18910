import type { Exchange } from './exchange.js';

/**
 * Decides, before a byte goes upstream, whether an exchange may pass. Gates run in one order for every exchange, also
 * without a route: `exchange.route` is undefined for unknown paths and for controllers that are not in the route table. For
 * those that are, `exchange.upstream` is undefined.
 */
export interface Gate {
  /**
   * Whether the gate demands a valid access token on every route without `auth: 'none'`. Without such a gate, a route that demands
   * one is an error at boot. The gateway has one; with `ProxyModule` alone a team gives its own. Default: false.
   */
  readonly authenticates?: boolean;

  /**
   * Returns to let the exchange pass; throws an `HttpException` to refuse it. Headers that it adds to
   * `exchange.responseHeaders` go out with the response, an error response included.
   */
  check(exchange: Exchange): void | Promise<void>;

  /**
   * Called with the service's final status before the client sees a byte of the response. If it throws, the client gets 500
   * `GATE_FAILED`.
   */
  onResponse?(exchange: Exchange, status: number): void;
}
