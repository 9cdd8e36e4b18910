import type { Route } from './route.js';

/** A route table that contradicts itself or cannot be read; the boot stops with it. */
export class RouteTableError extends Error {
  override readonly name = 'RouteTableError';
}

/** What a table must know of a row. */
export interface TableRow {
  readonly route: Route;
  /** The name of the upstream that the row belongs to. */
  readonly upstream: string;
}

/** The segments of a path. */
export function splitPath(path: string): string[] {
  return path.slice(1).split('/');
}

/** How faults name a row. */
export function describeRow({ route, upstream }: TableRow): string {
  return `${route.websocket ? 'WEBSOCKET' : route.methods.join(',')} ${route.path} (${upstream})`;
}
