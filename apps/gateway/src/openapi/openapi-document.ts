import type { CompiledRoute, RouteOptions } from '@app/proxy';

type Json = Record<string, unknown>;

const ERROR = { $ref: '#/components/responses/Error' };

/**
 * Creates the OpenAPI 3.1 document of the gateway from its routes: their methods, paths, tokens and bodies, and the
 * gateway's own error responses. The services document theirs.
 */
export function openApiDocument(routes: readonly CompiledRoute[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const { options } = route;
    const path = (paths[options.path.replaceAll(/:(\w+)/g, '{$1}')] ??= parametersOf(options));
    for (const method of options.methods)
      path[method.toLowerCase()] = route.proxy
        ? operationFor(options, route.upstream, method)
        : controllerOperation(route.summary);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'SecureConnect gateway', version: '1' },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      responses: {
        Error: {
          description: 'A response of the gateway itself',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
      schemas: {
        Error: {
          type: 'object',
          required: ['error'],
          properties: {
            error: { type: 'string' },
            service: { type: 'string' },
            request_id: { type: 'string' },
          },
        },
      },
    },
  };
}

function parametersOf(route: RouteOptions): Json {
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  if (names.length === 0) return {};
  return {
    parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
  };
}

function operationFor(route: RouteOptions, upstream: string, method: string): Json {
  const hasBody = !route.websocket && ['POST', 'PUT', 'PATCH'].includes(method);
  return {
    operationId: `${method.toLowerCase()}${route.path.replaceAll(/[^A-Za-z0-9]+/g, '_')}`,
    tags: [upstream],
    ...(route.websocket && { description: 'A WebSocket: the request must ask for the upgrade.' }),
    ...(route.auth !== 'none' && { security: [{ bearer: [] }] }),
    ...(hasBody && { requestBody: { content: { '*/*': {} } } }),
    responses: {
      ...(route.websocket
        ? { 101: { description: 'Open' }, 426: ERROR }
        : { 200: { description: "The service's response" } }),
      400: ERROR,
      ...(route.auth !== 'none' && { 401: ERROR }),
      403: ERROR,
      ...(hasBody && { 413: ERROR }),
      429: ERROR,
      502: ERROR,
      503: ERROR,
      504: ERROR,
    },
  };
}

function controllerOperation(summary: string): Json {
  return { tags: ['api-gateway'], summary, responses: { 200: { description: 'OK' } } };
}
