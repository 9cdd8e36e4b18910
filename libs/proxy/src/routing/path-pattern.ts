import { methodsFault } from './methods.js';
import { ALLOWABLE } from './allowed-in-path.js';
import { isUnambiguousPath } from './path-rules.js';
import type { AllowedInPath } from './route-options.js';
import { invalidRoute, isWildcard, splitPath, type UpstreamRoute } from './upstream-route.js';
import { compileTarget } from './upstream-target.js';

/** The parameters of a route's path. */
export interface PathParameters {
  /** Positions of the parameters, and of the wildcard, among the path's segments; segment 0 follows the first slash. */
  readonly parameters: ReadonlyMap<string, number>;
  /** The name of the wildcard, which stands for all segments from its position on; undefined if there is none. */
  readonly wildcard: string | undefined;
}

/** The path of a route, compiled at boot. */
export interface PathPattern extends PathParameters {
  /** Rewrites a request's path and query for the service. */
  readonly toUpstreamTarget: (url: string) => string;
}

/** @throws RouteTableError if no request could match the route, or its methods or options for paths are invalid */
export function compilePath(route: UpstreamRoute): PathPattern {
  const { path, allowedInPath = [] } = route.options;
  const fault = methodsFault(route.options);
  if (fault !== undefined) throw invalidRoute(route, fault);
  for (const name of allowedInPath as readonly string[]) {
    if (ALLOWABLE.includes(name as AllowedInPath)) continue;
    throw invalidRoute(route, `has allowedInPath ${name}, which is none of ${ALLOWABLE.join(', ')}`);
  }
  if (!isUnambiguousPath(path.replace(/\{(\*\w+)\}$/, '$1'))) {
    throw invalidRoute(route, 'has a path that no request can have');
  }
  const parameters = readParameters(route);
  return { ...parameters, toUpstreamTarget: compileTarget(route, parameters) };
}

function readParameters(route: UpstreamRoute): PathParameters {
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
