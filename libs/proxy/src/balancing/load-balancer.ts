import type { Exchange } from '../http/exchange.js';

/** An instance that a load balancer may pick. */
export interface BalancerCandidate {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Requests in flight, including those that wait for a connection. */
  readonly activeRequests: number;
  /**
   * The load to compare instances by: requests in flight and the next one, divided by the share, which grows from 0.1 to 1 during
   * a slow start.
   * @param now `performance.now()`
   */
  load(now: number): number;
}

/**
 * Picks the instance of each attempt. A team replaces it for all upstreams by a provider in any module:
 * `{ provide: LoadBalancer, useClass: MyBalancer }`; two such providers are an error at boot. `@Upstream({ loadBalancer: MyBalancer })`
 * has its own. The gateway's own picks the least loaded of two random instances (P2C).
 *
 * Health checks, outlier detection, retries, limits of connections and affinity stay with the gateway: it asks the balancer for
 * those requests that belong to no instance by affinity, and only if there is a choice.
 */
export abstract class LoadBalancer {
  /**
   * Picks one of the candidates. It runs for each attempt, in the turn of the event loop in which the attempt begins: a promise is
   * no valid result, and a slow call delays all clients.
   *
   * If it throws, or its result is none of the candidates, the gateway's own balancer picks, and the gateway logs
   * `load balancer failed`, at most every 10 s.
   *
   * @param candidates two or more instances of one upstream: up, not tried for this exchange, and with room. If all that are up were
   * tried, those that are not up. The array is the balancer's own; the instances are the same objects in every call.
   * @param exchange undefined if a WebSocket is resumed: its exchange has ended
   * @param now `performance.now()`
   */
  abstract pick(
    candidates: readonly BalancerCandidate[],
    exchange: Exchange | undefined,
    now: number,
  ): BalancerCandidate;
}
