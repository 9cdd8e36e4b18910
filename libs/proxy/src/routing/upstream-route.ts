import { isWebSocketOnly } from './methods.js';
import type { RouteOptions } from './route-options.js';

/** An invalid or contradictory route table; an error at boot. */
export class RouteTableError extends Error {
  override readonly name = 'RouteTableError';
}

/** A route as it was declared, for the route table. */
export interface UpstreamRoute {
  readonly options: RouteOptions;
  /** The name of the upstream that declares the route; undefined if it is a controller's. */
  readonly upstream: string | undefined;
}

/** The segments of a path. */
export function splitPath(path: string): string[] {
  return path.slice(1).split('/');
}

/** The route in the words of an error message. */
export function describeRoute({ options, upstream }: UpstreamRoute): string {
  const methods = isWebSocketOnly(options) ? 'WEBSOCKET' : options.methods.join(',');
  return `${methods} ${options.path} (${upstream ?? 'a controller'})`;
}
