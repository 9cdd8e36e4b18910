import type { RouteOptions } from './route-options.js';

/** A route table that contradicts itself or cannot be read; the boot stops with it. */
export class RouteTableError extends Error {
  override readonly name = 'RouteTableError';
}

/** A route as it was declared, and by whom. */
export interface UpstreamRoute {
  readonly options: RouteOptions;
  /** The name of the upstream that declares the route; undefined if a controller answers it. */
  readonly upstream: string | undefined;
}

/** The segments of a path. */
export function splitPath(path: string): string[] {
  return path.slice(1).split('/');
}

/** How faults name a route. */
export function describeRoute({ options, upstream }: UpstreamRoute): string {
  return `${options.websocket ? 'WEBSOCKET' : options.methods.join(',')} ${options.path} (${upstream ?? 'a controller'})`;
}
