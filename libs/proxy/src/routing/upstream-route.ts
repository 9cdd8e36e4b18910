import { ConfigurationError } from './configuration.error.js';
import { isWebSocketOnly } from './methods.js';
import type { RouteOptions } from './route-options.js';

/** An invalid or contradictory route table; an error at boot. */
export class RouteTableConfigurationError extends ConfigurationError {
  override readonly name: string = 'RouteTableConfigurationError';
}

/** Options of a route that are invalid or contradict each other. */
export class RouteConfigurationError extends RouteTableConfigurationError {
  override readonly name: string = 'RouteConfigurationError';
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

/** Whether a segment of a route's path is a wildcard: `*name`, or `{*name}`, which stands for nothing too. */
export function isWildcard(segment: string): boolean {
  return segment.startsWith('*') || isOptionalWildcard(segment);
}

/** Whether a segment of a route's path is `{*name}`. */
export function isOptionalWildcard(segment: string): boolean {
  return segment.startsWith('{*');
}

/** The route in the words of an error message. */
export function describeRoute({ options, upstream }: UpstreamRoute): string {
  const methods = isWebSocketOnly(options) ? 'WEBSOCKET' : options.methods.join(',');
  return `${methods} ${options.path} (${upstream ?? 'a controller'})`;
}

/** The error of a route that is invalid by itself. */
export function invalidRoute(route: UpstreamRoute, fault: string): RouteTableConfigurationError {
  return new RouteTableConfigurationError(`${describeRoute(route)} ${fault}`);
}
