import { isWebSocketOnly, methodsOf } from './methods.js';
import { describeRoute, RouteTableError, splitPath, type UpstreamRoute } from './upstream-route.js';

/** The routes of one path. */
export interface RoutesOfPath<Route> {
  /** The path with its parameters: a label of bounded variety. */
  readonly template: string;
  /** The routes of plain requests. The route of GET is a WebSocket alone if no other has GET. */
  readonly byMethod: ReadonlyMap<string, Route>;
  /** The route of requests that ask for a WebSocket. */
  readonly websocket: Route | undefined;
}

/** The methods of a path, as `Allow` lists them (RFC 9110, section 10.2.1). */
export function allowOf(routes: RoutesOfPath<unknown>): string {
  return [...routes.byMethod.keys()].join(', ');
}

interface Node<Route> {
  readonly literals: Map<string, Node<Route>>;
  parameter: Node<Route> | undefined;
  routes:
    { readonly template: string; byMethod: Map<string, Route>; websocket: Route | undefined } | undefined;
}

/**
 * Finds the routes of a path in a tree of segments, built once: the cost of a request depends on the segments of its path,
 * not on the number of routes.
 */
export class RouteTable<Route extends UpstreamRoute> {
  private readonly root: Node<Route> = createNode();
  readonly routes: Route[] = [];

  /**
   * @throws RouteTableError if another route has the same path and method, or the path with other parameter names, or if an
   *   upstream has the path of a controller. One WebSocket may share its path and GET with a route of plain requests
   */
  add(route: Route): void {
    const { path } = route.options;
    const node = splitPath(path).reduce(descend<Route>, this.root);
    const routes = (node.routes ??= { template: path, byMethod: new Map(), websocket: undefined });
    const { byMethod } = routes;
    const first = byMethod.values().next().value;
    if (first && first.options.path !== path) {
      throw new RouteTableError(
        `${describeRoute(route)} contradicts ${describeRoute(first)}: one path with two sets of parameter names`,
      );
    }
    if (first && (first.upstream === undefined) !== (route.upstream === undefined)) {
      throw new RouteTableError(`${describeRoute(route)} has the path of ${describeRoute(first)}`);
    }
    if (route.options.websocket) {
      if (routes.websocket) throw repetition(route, routes.websocket, 'the upgrade');
      routes.websocket = route;
    }
    for (const method of methodsOf(route.options)) {
      const other = byMethod.get(method);
      if (!other || isWebSocketOnly(other.options)) byMethod.set(method, route);
      else if (!isWebSocketOnly(route.options)) throw repetition(route, other, method);
    }
    this.routes.push(route);
  }

  /** The routes of a raw path; undefined if there are none. */
  find(path: string): RoutesOfPath<Route> | undefined {
    return findRoutes(this.root, path, 1);
  }
}

function createNode<Route>(): Node<Route> {
  return { literals: new Map(), parameter: undefined, routes: undefined };
}

function descend<Route>(node: Node<Route>, segment: string): Node<Route> {
  if (segment.startsWith(':')) return (node.parameter ??= createNode());
  let next = node.literals.get(segment);
  if (!next) node.literals.set(segment, (next = createNode()));
  return next;
}

/** Tries the literal segment first, then the parameter. Backtracks if the rest of the path does not match. */
function findRoutes<Route>(node: Node<Route>, path: string, from: number): RoutesOfPath<Route> | undefined {
  const slash = path.indexOf('/', from);
  const segment = slash === -1 ? path.slice(from) : path.slice(from, slash);
  const literal = node.literals.get(segment);
  if (literal) {
    const found = slash === -1 ? literal.routes : findRoutes(literal, path, slash + 1);
    if (found) return found;
  }
  const { parameter } = node;
  if (!parameter || segment === '') return undefined;
  return slash === -1 ? parameter.routes : findRoutes(parameter, path, slash + 1);
}

function repetition(route: UpstreamRoute, other: UpstreamRoute, part: string): RouteTableError {
  return new RouteTableError(`${describeRoute(route)} repeats ${describeRoute(other)} for ${part}`);
}
