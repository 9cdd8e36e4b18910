import { methodsFault } from './methods.js';
import { isUnambiguousPath, pathOf } from './path-rules.js';
import { describeRoute, RouteTableError, splitPath, type UpstreamRoute } from './upstream-route.js';

/** The path of a route, compiled at boot. */
export interface PathPattern {
  /** Positions of the parameters among the path's segments; segment 0 follows the first slash. */
  readonly parameters: ReadonlyMap<string, number>;
  /** Rewrites a request's path and query for the service. */
  readonly toUpstreamTarget: (url: string) => string;
}

/** @throws RouteTableError if no request could match the route, or its methods or parameters are invalid */
export function compilePath(route: UpstreamRoute): PathPattern {
  const { path } = route.options;
  const fault = methodsFault(route.options);
  if (fault !== undefined) throw new RouteTableError(`${describeRoute(route)} ${fault}`);
  if (!isUnambiguousPath(path) || (path.length > 1 && path.endsWith('/'))) {
    throw new RouteTableError(`${describeRoute(route)} has a path that no request can have`);
  }
  const parameters = new Map<string, number>();
  for (const [index, segment] of splitPath(path).entries()) {
    if (!segment.startsWith(':')) continue;
    const name = segment.slice(1);
    if (!/^[A-Za-z_]\w*$/.test(name))
      throw new RouteTableError(`${describeRoute(route)} has a nameless parameter`);
    if (parameters.has(name))
      throw new RouteTableError(`${describeRoute(route)} names the parameter :${name} twice`);
    parameters.set(name, index);
  }
  return { parameters, toUpstreamTarget: compileRewrite(route, parameters) };
}

function compileRewrite(
  route: UpstreamRoute,
  parameters: ReadonlyMap<string, number>,
): PathPattern['toUpstreamTarget'] {
  const { rewrite } = route.options;
  if (rewrite === undefined) return (url) => url;
  if (!isUnambiguousPath(rewrite)) {
    throw new RouteTableError(
      `${describeRoute(route)} rewrites to a path that no request can have: ${rewrite}`,
    );
  }
  const parts = splitPath(rewrite).map((segment) => {
    if (!segment.startsWith(':')) return segment;
    const position = parameters.get(segment.slice(1));
    if (position === undefined) {
      throw new RouteTableError(
        `${describeRoute(route)} rewrites with ${segment}, which its path does not have`,
      );
    }
    return position;
  });
  return (url) => {
    const path = pathOf(url);
    const segments = splitPath(path);
    const rewritten = parts.map((part) => (typeof part === 'number' ? segments[part] : part)).join('/');
    return `/${rewritten}${url.slice(path.length)}`;
  };
}
