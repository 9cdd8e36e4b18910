import type { PathPattern } from './path-pattern.js';
import type { UpstreamRoute } from './upstream-route.js';

/** A rate limit with its numbers of today, of code and settings. */
export interface RateLimit {
  readonly name: string;
  readonly perMinute: number;
  /** One gateway's share of it, while the gateways do not count together. */
  readonly localPerMinute: number;
}

/** One compiled route, with all that is computed at boot. */
export interface Route extends UpstreamRoute, PathPattern {
  /** Identity and override names, in lower case, that the upstream accepts from clients; undefined if none. */
  readonly acceptedHeaders: ReadonlySet<string> | undefined;
  /** See `ControllerRouteOptions`. */
  readonly isMonitoring: boolean;
  /** Set once at boot, by the application's gate; undefined for the default. */
  limit: RateLimit | undefined;
  /** Takes CORS preflights for this route to the service; undefined if the gateway responds to them. */
  preflight?: Route;
}
