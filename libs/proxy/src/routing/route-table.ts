import { hasReserved, toDecodedPath, toLookupPath } from './lookup-path.js';
import { isWebSocketOnly, methodsOf } from './methods.js';
import {
  describeRoute,
  invalidRoute,
  isOptionalWildcard,
  isWildcard,
  RouteTableConfigurationError,
  splitPath,
  type UpstreamRoute,
} from './upstream-route.js';

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
  /** Has routes alone. */
  wildcard: Node<Route> | undefined;
  /** Whether the node is a wildcard that stands for nothing too. */
  isOptional: boolean;
  routes:
    { readonly template: string; byMethod: Map<string, Route>; websocket: Route | undefined } | undefined;
}

/**
 * Finds the routes of a path in a tree of segments, built once: the cost of a request is linear in the length of its path.
 * Each node is reached by one way and at one depth, so that a look-up visits none twice.
 */
export class RouteTable<Route extends UpstreamRoute> {
  private readonly root: Node<Route> = createNode();
  /** The same routes, by literals whose reserved characters are decoded. */
  private readonly decoded: Node<Route> = createNode();
  /** Whether a literal has a reserved character. Otherwise both trees find the same. */
  private hasReserved = false;
  readonly routes: Route[] = [];

  /**
   * @throws RouteTableConfigurationError if another route has the same path and method, or the path with other parameter names, or if an
   *   upstream has the path of a controller. One WebSocket may share its path and GET with a route of plain requests
   */
  add(route: Route): void {
    const { path } = route.options;
    const node = descendAll(this.root, path, toLookupPath);
    const routes = (node.routes ??= { template: path, byMethod: new Map(), websocket: undefined });
    const { byMethod } = routes;
    const first = byMethod.values().next().value;
    if (first && first.options.path !== path) {
      throw new RouteTableConfigurationError(
        `${describeRoute(route)} contradicts ${describeRoute(first)}: one path written in two ways`,
      );
    }
    if (first && (first.upstream === undefined) !== (route.upstream === undefined)) {
      throw new RouteTableConfigurationError(
        `${describeRoute(route)} has the path of ${describeRoute(first)}`,
      );
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
    this.addDecoded(route);
  }

  /** Two routes that are one for a service that decodes may be one of both here: that which demands a token. */
  private addDecoded(route: Route): void {
    const { path, websocket } = route.options;
    this.hasReserved ||= splitPath(path).some((segment) => isLiteral(segment) && hasReserved(segment));
    const node = descendAll(this.decoded, path, toDecodedPath);
    const routes = (node.routes ??= { template: path, byMethod: new Map(), websocket: undefined });
    const isStricter = (other?: Route): boolean => !other || other.options.auth === 'none';
    if (websocket && isStricter(routes.websocket)) routes.websocket = route;
    if (isWebSocketOnly(route.options)) return;
    for (const method of methodsOf(route.options))
      if (isStricter(routes.byMethod.get(method))) routes.byMethod.set(method, route);
  }

  /** @throws RouteTableConfigurationError if every path of a route has a more specific route. Call it when all routes are added */
  checkReachable(): void {
    checkWildcards(this.root);
  }

  /** The routes of a raw path, whose unreserved characters may be encoded; undefined if there are none. */
  find(path: string): RoutesOfPath<Route> | undefined {
    return findRoutes(this.root, toLookupPath(path), 1);
  }

  /** The routes of a raw path for who does not decode it. */
  findUndecoded(path: string): RoutesOfPath<Route> | undefined {
    return findRoutes(this.root, path, 1);
  }

  /**
   * The routes of a raw path for who decodes reserved characters such as `@` before it routes; undefined if there are none, or
   * if they are those of `find`.
   */
  findDecoded(path: string): RoutesOfPath<Route> | undefined {
    if (!this.hasReserved || !hasReserved(path)) return undefined;
    return findRoutes(this.decoded, toDecodedPath(path), 1);
  }
}

function createNode<Route>(): Node<Route> {
  return {
    literals: new Map(),
    parameter: undefined,
    wildcard: undefined,
    isOptional: false,
    routes: undefined,
  };
}

function isLiteral(segment: string): boolean {
  return !segment.startsWith(':') && !isWildcard(segment);
}

/** The node of a route's path. @param toKey gives a literal the form in which it is looked up */
function descendAll<Route>(root: Node<Route>, path: string, toKey: (literal: string) => string): Node<Route> {
  return splitPath(path).reduce((node, segment) => descend(node, segment, toKey), root);
}

function descend<Route>(node: Node<Route>, segment: string, toKey: (literal: string) => string): Node<Route> {
  if (segment.startsWith(':')) return (node.parameter ??= createNode());
  if (isWildcard(segment)) {
    node.wildcard ??= { ...createNode(), isOptional: isOptionalWildcard(segment) };
    return node.wildcard;
  }
  const key = toKey(segment);
  let next = node.literals.get(key);
  if (!next) node.literals.set(key, (next = createNode()));
  return next;
}

/** Tries the literal segment, then the parameter, then the wildcard. Goes back if the rest of the path does not match. */
function findRoutes<Route>(node: Node<Route>, path: string, from: number): RoutesOfPath<Route> | undefined {
  const slash = path.indexOf('/', from);
  const segment = slash === -1 ? path.slice(from) : path.slice(from, slash);
  const literal = node.literals.get(segment);
  if (literal) {
    const found = slash === -1 ? literal.routes : findRoutes(literal, path, slash + 1);
    if (found) return found;
  }
  const { parameter, wildcard } = node;
  if (parameter && segment !== '') {
    const found = slash === -1 ? parameter.routes : findRoutes(parameter, path, slash + 1);
    if (found) return found;
  }
  return wildcard && (from < path.length || wildcard.isOptional) ? wildcard.routes : undefined;
}

function checkWildcards<Route extends UpstreamRoute>(node: Node<Route>): void {
  for (const route of node.wildcard?.routes?.byMethod.values() ?? []) {
    // No other segment is empty.
    if (route.options.allowedInPath?.includes('emptySegment')) continue;
    const isShadowed = hasEveryRest(node) && (!node.wildcard!.isOptional || hasEmptyRest(node));
    if (isShadowed) throw invalidRoute(route, 'can never match: each of its paths has a more specific route');
  }
  for (const literal of node.literals.values()) checkWildcards(literal);
  if (node.parameter) checkWildcards(node.parameter);
}

/** Whether every rest of a path behind a node has a route below it, but those with an empty segment; its own wildcard aside. */
function hasEveryRest<Route>({ parameter }: Node<Route>): boolean {
  return (
    parameter?.routes !== undefined &&
    (hasEmptyRest(parameter) || parameter.wildcard?.isOptional === true) &&
    (parameter.wildcard !== undefined || hasEveryRest(parameter))
  );
}

/** Whether a path that ends with the slash behind a node has a route of its own. */
function hasEmptyRest<Route>({ literals }: Node<Route>): boolean {
  return literals.get('')?.routes !== undefined;
}

function repetition(route: UpstreamRoute, other: UpstreamRoute, part: string): RouteTableConfigurationError {
  return new RouteTableConfigurationError(
    `${describeRoute(route)} repeats ${describeRoute(other)} for ${part}`,
  );
}
