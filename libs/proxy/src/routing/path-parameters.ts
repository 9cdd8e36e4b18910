import { invalidRoute, isWildcard, splitPath, type UpstreamRoute } from './upstream-route.js';

/** The parameters of a route's path. */
export interface PathParameters {
  /** Positions of the parameters, and of the wildcard, among the path's segments; segment 0 follows the first slash. */
  readonly parameters: ReadonlyMap<string, number>;
  /** The name of the wildcard, which stands for all segments from its position on; undefined if there is none. */
  readonly wildcard: string | undefined;
}

/** @throws RouteTableConfigurationError if a parameter is invalid, or a wildcard is not the whole last segment */
export function readParameters(route: UpstreamRoute): PathParameters {
  const parameters = new Map<string, number>();
  const segments = splitPath(route.options.path);
  for (const [index, segment] of segments.entries()) {
    const isRest = isWildcard(segment);
    if (segment.includes('*') && !(isRest && index === segments.length - 1)) {
      throw invalidRoute(route, `has a * in ${segment}; a wildcard is the whole last segment, as in *path`);
    }
    if (!segment.startsWith(':') && !isRest) continue;
    const name = nameOf(segment);
    if (!/^[A-Za-z_]\w*$/.test(name)) throw invalidRoute(route, 'has a nameless parameter');
    if (parameters.has(name)) throw invalidRoute(route, `names the parameter ${segment} twice`);
    parameters.set(name, index);
  }
  const last = segments.at(-1)!;
  return { parameters, wildcard: isWildcard(last) ? nameOf(last) : undefined };
}

/** The name of a parameter or a wildcard, without its marks. */
function nameOf(segment: string): string {
  return segment.replaceAll(/^(?:\{\*|[:*])|\}$/g, '');
}
