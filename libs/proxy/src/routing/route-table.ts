import { isUnambiguousPath } from './path-rules.js';
import type { HttpMethod, Route } from './route.js';

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

/** Every method of one path. */
export interface PathEntry<Row> {
  /** The path with its parameters: a label of bounded variety. */
  readonly template: string;
  readonly byMethod: ReadonlyMap<string, Row>;
  /** The value of `Allow` (RFC 9110, section 10.2.1). */
  readonly allow: string;
}

interface MutableEntry<Row> {
  readonly template: string;
  readonly byMethod: Map<string, Row>;
  allow: string;
}

interface Node<Row> {
  readonly literals: Map<string, Node<Row>>;
  parameter: Node<Row> | undefined;
  entry: MutableEntry<Row> | undefined;
}

/**
 * Finds the rows for a path in a tree of segments that is built once, so that a request costs a walk over its
 * own segments however many routes there are.
 */
export class RouteTable<Row extends TableRow> {
  private readonly root: Node<Row> = createNode();
  readonly rows: Row[] = [];

  /** @throws RouteTableError where another row already answers for the path, or contradicts this one; it names both */
  add(row: Row): void {
    const { path } = row.route;
    const node = splitPath(path).reduce(descend<Row>, this.root);
    const entry = (node.entry ??= { template: path, byMethod: new Map(), allow: '' });
    const first = entry.byMethod.values().next().value;
    if (first && first.route.path !== path) {
      throw new RouteTableError(
        `${describeRow(row)} contradicts ${describeRow(first)}: one path with two sets of parameter names`,
      );
    }
    for (const method of methodsOf(row.route)) {
      const other = entry.byMethod.get(method);
      if (other) throw new RouteTableError(`${describeRow(row)} repeats ${describeRow(other)} for ${method}`);
      entry.byMethod.set(method, row);
    }
    entry.allow = [...entry.byMethod.keys()].join(', ');
    this.rows.push(row);
  }

  /** The rows for a raw path, or undefined where none names it. */
  find(path: string): PathEntry<Row> | undefined {
    return findEntry(this.root, path, 1);
  }
}

/** What can be known of a route's path at boot. */
export interface CompiledPath {
  /** Positions of the parameters among the path's segments; segment 0 follows the first slash. */
  readonly parameters: ReadonlyMap<string, number>;
  /** Turns the raw path of a request into the one for the service; undefined where it stays as it is. */
  readonly rewrite: ((path: string) => string) | undefined;
}

/** @throws RouteTableError where no request could match the row, or its parameters make no sense */
export function compilePath(row: TableRow): CompiledPath {
  const { path, methods } = row.route;
  if (methods.length === 0) throw new RouteTableError(`${describeRow(row)} names no method`);
  if (!isUnambiguousPath(path) || (path.length > 1 && path.endsWith('/'))) {
    throw new RouteTableError(`${describeRow(row)} has a path that no request can have`);
  }
  const parameters = new Map<string, number>();
  for (const [index, segment] of splitPath(path).entries()) {
    if (!segment.startsWith(':')) continue;
    const name = segment.slice(1);
    if (!/^[A-Za-z_]\w*$/.test(name))
      throw new RouteTableError(`${describeRow(row)} has a nameless parameter`);
    if (parameters.has(name))
      throw new RouteTableError(`${describeRow(row)} names the parameter :${name} twice`);
    parameters.set(name, index);
  }
  return { parameters, rewrite: compileRewrite(row, parameters) };
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
function findEntry<Row>(node: Node<Row>, path: string, from: number): MutableEntry<Row> | undefined {
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

function methodsOf(route: Route): readonly HttpMethod[] {
  const { methods } = route;
  if (route.websocket) return ['GET'];
  return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods;
}

function compileRewrite(row: TableRow, parameters: ReadonlyMap<string, number>): CompiledPath['rewrite'] {
  const { rewrite } = row.route;
  if (rewrite === undefined) return undefined;
  if (!isUnambiguousPath(rewrite)) {
    throw new RouteTableError(`${describeRow(row)} rewrites to a path that no request can have: ${rewrite}`);
  }
  const parts = splitPath(rewrite).map((segment) => {
    if (!segment.startsWith(':')) return segment;
    const position = parameters.get(segment.slice(1));
    if (position === undefined) {
      throw new RouteTableError(`${describeRow(row)} rewrites with ${segment}, which its path does not have`);
    }
    return position;
  });
  return (path) => {
    const segments = splitPath(path);
    return `/${parts.map((part) => (typeof part === 'number' ? segments[part] : part)).join('/')}`;
  };
}

function splitPath(path: string): string[] {
  return path.slice(1).split('/');
}

function describeRow({ route, upstream }: TableRow): string {
  return `${route.websocket ? 'WEBSOCKET' : route.methods.join(',')} ${route.path} (${upstream})`;
}
