import {
  isWebSocketOnly,
  methodsOf,
  parameterPattern,
  type CompiledRoute,
  type RouteOptions,
} from '@app/proxy/internal';
import { documentPaths } from './document-paths.js';
import { COMPONENTS, responsesOf } from './openapi-responses.js';

type Json = Record<string, unknown>;

/** Methods that a path of OpenAPI 3 can have (OpenAPI 3.1, section 4.8.9.1). */
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'PUT',
  'POST',
  'DELETE',
  'OPTIONS',
  'HEAD',
  'PATCH',
  'TRACE',
]);

const OPENS = 'Opens a WebSocket if the request asks for the upgrade.';

const ABOUT = [
  'All routes of the gateway. Services document their own bodies and responses, which pass unchanged.',
  'An error of the gateway itself is a JSON object whose `error` is a text; a 5xx of its own has the header `X-Gateway-Error`.',
  'A path without a route gets 404, a method that no route of the path has 405 with `Allow`, and a method that HTTP does not have 501.',
].join(' ');

/**
 * Creates the OpenAPI 3.1 document of the gateway from its routes: those of their methods that OpenAPI knows, paths, tokens,
 * and the gateway's own error responses. The services document theirs, and which bodies they take.
 */
export function openApiDocument(title: string, routes: readonly CompiledRoute[]): Json {
  // A route with none of OpenAPI's methods has no place in it.
  const shown = routes.filter(({ options }) => documentedMethods(options).length > 0);
  const byPath = Map.groupBy(shown, ({ options }) => options.path);
  const { paths, wildcards } = documentPaths([...byPath.keys()]);
  const itemFor = (path: string): Json => pathItem(byPath.get(path)!);
  return {
    openapi: '3.1.0',
    info: { title, version: '1', description: ABOUT },
    paths: Object.fromEntries([...paths].map(([documented, path]) => [documented, itemFor(path)])),
    ...(wildcards.length > 0 && {
      'x-wildcards': Object.fromEntries(wildcards.map((path) => [path, itemFor(path)])),
    }),
    components: COMPONENTS,
  };
}

/** The methods of a route that OpenAPI knows; HEAD if it is not only there because of GET. */
function documentedMethods(route: RouteOptions): readonly string[] {
  const isNamed = route.methods.includes('HEAD');
  return methodsOf(route).filter((method) => METHODS.has(method) && (method !== 'HEAD' || isNamed));
}

/** One operation for the two routes of a path with GET: that of plain requests, with the responses to handshakes. */
function joined(operation: Json, other: Json, route: RouteOptions): Json {
  const [plain, websocket] = isWebSocketOnly(route) ? [other, operation] : [operation, other];
  const responses = { ...(websocket['responses'] as Json), ...(plain['responses'] as Json) };
  return { ...plain, description: OPENS, responses };
}

/** One path of the document, with the operations of all its methods. */
function pathItem(routes: readonly CompiledRoute[]): Json {
  const item = parametersOf(routes[0]!);
  for (const route of routes) {
    const { options } = route;
    for (const method of documentedMethods(options)) {
      const operation = operationFor(route, method);
      const key = method.toLowerCase();
      const other = item[key] as Json | undefined;
      item[key] = other ? joined(operation, other, options) : operation;
    }
  }
  return item;
}

function parametersOf({ options, parameters, wildcard }: CompiledRoute): Json {
  if (parameters.size === 0) return {};
  const pattern = parameterPattern(options.allowedInPath);
  return {
    parameters: [...parameters.keys()].map((name) => ({
      name,
      in: 'path',
      required: true,
      ...(name === wildcard && { description: descriptionOf(options.path) }),
      schema: { type: 'string', ...(name !== wildcard && { pattern }) },
    })),
  };
}

function descriptionOf(path: string): string {
  return `The rest of the path, with its slashes as they are${path.endsWith('}') ? '; it may be empty' : ''}.`;
}

function operationFor(compiled: CompiledRoute, method: string): Json {
  const { options: route, upstream = 'api-gateway', proxy } = compiled;
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(method);
  const isOnly = isWebSocketOnly(route);
  const opens = route.websocket !== undefined && method === 'GET';
  return {
    operationId: `${method.toLowerCase()}${route.path.replaceAll('*', 'rest.').replaceAll(/[^A-Za-z0-9]+/g, '_')}`,
    tags: [upstream],
    ...(!proxy && { summary: compiled.summary }),
    ...(opens && { description: isOnly ? 'A WebSocket: the request must ask for the upgrade.' : OPENS }),
    ...(route.auth !== 'none' && { security: [{ bearer: [] }] }),
    ...(hasBody && { requestBody: { content: { '*/*': {} } } }),
    responses: responsesOf(compiled, opens),
  };
}
