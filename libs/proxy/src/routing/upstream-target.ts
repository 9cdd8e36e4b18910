import type { PathParameters } from './path-parameters.js';
import { isUnambiguousPath, pathOf } from './path-rules.js';
import { invalidRoute, isWildcard, splitPath, type UpstreamRoute } from './upstream-route.js';

/** Rewrites a request's path and query for the service. */
export type ToTarget = (url: string) => string;

/** What a segment of a rewrite becomes, from the segments of a request's path. */
type Part = (sent: readonly string[]) => string;

/**
 * Compiles the `rewrite` or `strip` of a route. What is kept of a request's path keeps its bytes.
 * @throws RouteTableConfigurationError if they do not fit the route's path
 */
export function compileTarget(route: UpstreamRoute, parameters: PathParameters): ToTarget {
  const { rewrite, strip } = route.options;
  if (rewrite !== undefined && strip !== undefined) throw invalidRoute(route, 'has both rewrite and strip');
  if (rewrite !== undefined) return compileRewrite(route, rewrite, parameters);
  if (strip !== undefined) return compileStrip(route, strip);
  return (url) => url;
}

function compileRewrite(route: UpstreamRoute, rewrite: string, parameters: PathParameters): ToTarget {
  if (!isUnambiguousPath(rewrite)) {
    throw invalidRoute(route, `rewrites to a path that no request can have: ${rewrite}`);
  }
  const segments = splitPath(rewrite);
  if (segments.slice(0, -1).some((segment) => segment.includes('*'))) {
    throw invalidRoute(route, `rewrites to ${rewrite}, whose wildcard is not the last segment`);
  }
  const parts = segments.map((segment) => compilePart(route, segment, parameters));
  return (url) => {
    const path = pathOf(url);
    const sent = splitPath(path);
    return `/${parts.map((part) => part(sent)).join('/')}${url.slice(path.length)}`;
  };
}

function compilePart(route: UpstreamRoute, segment: string, { parameters, wildcard }: PathParameters): Part {
  const isRest = isWildcard(segment);
  if (!isRest && !segment.startsWith(':')) return () => segment;
  const name = segment.slice(1);
  const position = parameters.get(name);
  if (position === undefined || isRest !== (name === wildcard)) {
    throw invalidRoute(route, `rewrites with ${segment}, which its path does not have`);
  }
  return isRest ? (sent) => sent.slice(position).join('/') : (sent) => sent[position]!;
}

function compileStrip(route: UpstreamRoute, strip: string): ToTarget {
  const segments = splitPath(strip);
  const own = splitPath(route.options.path);
  const doesBegin = segments.every((segment, index) => segment === own[index] && !isWildcard(segment));
  if (!strip.startsWith('/') || strip.endsWith('/') || !doesBegin) {
    throw invalidRoute(route, `strips ${strip}, which are not the first segments of its path`);
  }
  return (url) => {
    const path = pathOf(url);
    let slash = 0;
    for (let index = 0; index < segments.length && slash !== -1; index++)
      slash = path.indexOf('/', slash + 1);
    return slash === -1 ? `/${url.slice(path.length)}` : url.slice(slash);
  };
}
