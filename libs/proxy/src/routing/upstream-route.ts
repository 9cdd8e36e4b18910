import type { RouteOptions } from './route-options.js';

/** A route table that contradicts itself or cannot be read; the boot stops with it. */
export class RouteTableError extends Error {
  override readonly name = 'RouteTableError';
}

/** What a table must know of a row. */
export interface UpstreamRoute {
  readonly options: RouteOptions;
  /** The name of the upstream that the row belongs to. */
  readonly upstream: string;
}

/** The segments of a path. */
export function splitPath(path: string): string[] {
  return path.slice(1).split('/');
}

/** How faults name a row. */
export function describeRoute({ options, upstream }: UpstreamRoute): string {
  return `${options.websocket ? 'WEBSOCKET' : options.methods.join(',')} ${options.path} (${upstream})`;
}
