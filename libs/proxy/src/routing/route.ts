import type { PathPattern } from './path-pattern.js';
import type { UpstreamRoute } from './upstream-route.js';

/** One compiled route, with all that is computed at boot. */
export interface Route extends UpstreamRoute, PathPattern {
  /** Identity and override names, in lower case, that the upstream accepts from clients; undefined if none. */
  readonly acceptedHeaders: ReadonlySet<string> | undefined;
  /** See `ControllerRouteOptions`. */
  readonly isMonitoring: boolean;
}
