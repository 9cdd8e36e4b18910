import type { HttpMethod, RouteOptions } from './route-options.js';
import { describeRoute, RouteTableError, splitPath, type UpstreamRoute } from './upstream-route.js';

/** Every method of one path. */
export interface RoutesOfPath<Row> {
  /** The path with its parameters: a label of bounded variety. */
  readonly template: string;
  readonly byMethod: ReadonlyMap<string, Row>;
}

/** The methods that rows name for a path, as `Allow` lists them (RFC 9110, section 10.2.1). */
export function allowOf(entry: RoutesOfPath<unknown>): string {
  return [...entry.byMethod.keys()].join(', ');
}

interface Node<Row> {
  readonly literals: Map<string, Node<Row>>;
  parameter: Node<Row> | undefined;
  entry: { readonly template: string; readonly byMethod: Map<string, Row> } | undefined;
}

/**
 * Finds the rows for a path in a tree of segments that is built once, so that a request costs a walk over its
 * own segments however many routes there are.
 */
export class RouteTable<Row extends UpstreamRoute> {
  private readonly root: Node<Row> = createNode();
  readonly routes: Row[] = [];

  /** @throws RouteTableError where another row already answers for the path, or contradicts this one; it names both */
  add(row: Row): void {
    const { path } = row.options;
    const node = splitPath(path).reduce(descend<Row>, this.root);
    const entry = (node.entry ??= { template: path, byMethod: new Map() });
    const first = entry.byMethod.values().next().value;
    if (first && first.options.path !== path) {
      throw new RouteTableError(
        `${describeRoute(row)} contradicts ${describeRoute(first)}: one path with two sets of parameter names`,
      );
    }
    for (const method of methodsOf(row.options)) {
      const other = entry.byMethod.get(method);
      if (other)
        throw new RouteTableError(`${describeRoute(row)} repeats ${describeRoute(other)} for ${method}`);
      entry.byMethod.set(method, row);
    }
    this.routes.push(row);
  }

  /** The rows for a raw path, or undefined where none names it. */
  find(path: string): RoutesOfPath<Row> | undefined {
    return findEntry(this.root, path, 1);
  }
}

function createNode<Row>(): Node<Row> {
  return { literals: new Map(), parameter: undefined, entry: undefined };
}

function descend<Row>(node: Node<Row>, segment: string): Node<Row> {
  if (segment.startsWith(':')) return (node.parameter ??= createNode());
  let next = node.literals.get(segment);
  if (!next) node.literals.set(segment, (next = createNode()));
  return next;
}

/** Literal first, then the parameter: a walk that fails further right comes back and takes the other way. */
function findEntry<Row>(node: Node<Row>, path: string, from: number): RoutesOfPath<Row> | undefined {
  const slash = path.indexOf('/', from);
  const segment = slash === -1 ? path.slice(from) : path.slice(from, slash);
  const literal = node.literals.get(segment);
  if (literal) {
    const found = slash === -1 ? literal.entry : findEntry(literal, path, slash + 1);
    if (found) return found;
  }
  const { parameter } = node;
  if (!parameter || segment === '') return undefined;
  return slash === -1 ? parameter.entry : findEntry(parameter, path, slash + 1);
}

function methodsOf(route: RouteOptions): readonly HttpMethod[] {
  const { methods } = route;
  if (route.websocket) return methods;
  return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods;
}
