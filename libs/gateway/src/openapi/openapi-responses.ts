import { isWebSocketOnly, type CompiledRoute, type RouteOptions } from '@app/proxy/internal';

type Json = Record<string, unknown>;

const integer = (description: string): Json => ({ description, schema: { type: 'integer' } });
const text = (description: string): Json => ({ description, schema: { type: 'string' } });

const RETRY_AFTER = {
  'Retry-After': text('Seconds until the client should try again; a service may send a date'),
};

const RATE_LIMIT = {
  'X-RateLimit-Limit': integer('Requests a minute'),
  'X-RateLimit-Remaining': integer('Requests left until the reset'),
  'X-RateLimit-Reset': integer('When the limit is reset, in seconds since 1970'),
};

const GATEWAY_ERROR = {
  'X-Gateway-Error': text("The gateway's code for its own error; the service's own response has none"),
};

/** The gateway's own error responses by status: when it sends them, and their headers. */
const ERRORS: Readonly<Record<number, readonly [when: string, headers?: Json]>> = {
  400: ['The path is ambiguous, or the request is not valid HTTP'],
  401: ['No valid access token', { 'WWW-Authenticate': text('The scheme `Bearer`, and the error') }],
  403: ['The page that sent the request has an origin that is not allowed'],
  404: ['No route has the path'],
  405: ['No route of the path has the method', { Allow: text('The methods of the path') }],
  408: ['The headers or the body came too slowly'],
  413: ['The body is too large'],
  417: ['`Expect` asks for anything but `100-continue`'],
  426: [
    'The request asks for no WebSocket, or for a version other than 13',
    {
      Upgrade: text('`websocket`'),
      'Sec-WebSocket-Version': text('`13`, if the version is at fault'),
    },
  ],
  429: ['Too many requests a minute, open WebSockets or uploads at once', { ...RETRY_AFTER, ...RATE_LIMIT }],
  431: ['The headers are too large'],
  500: ['The gateway failed', GATEWAY_ERROR],
  501: ['HTTP does not have the method, or it is CONNECT', GATEWAY_ERROR],
  502: ['The service cannot be reached, or sent no valid response', GATEWAY_ERROR],
  503: ['The gateway or the service is overloaded, away or restarting', { ...RETRY_AFTER, ...GATEWAY_ERROR }],
  504: ['The service took too long', GATEWAY_ERROR],
};

/** Of every operation. */
const ALWAYS: readonly number[] = [400, 408, 413, 417, 431, 500, 503];

const reference = (name: number | string): Json => ({ $ref: `#/components/responses/${name}` });

/** Schemas, headers and responses that all operations share. */
export const COMPONENTS: Json = {
  securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
  responses: {
    ...Object.fromEntries(
      Object.entries(ERRORS).map(([status, [when, headers]]) => [status, errorResponse(when, headers)]),
    ),
    Service: {
      description: "The service's own response, of any status and form",
      headers: {
        'X-Request-ID': { ...text('The id of the request in the log'), required: true },
      },
      content: { '*/*': {} },
    },
  },
  schemas: {
    Error: {
      description: 'Every error of the gateway itself',
      type: 'object',
      required: ['error'],
      properties: {
        error: { type: 'string' },
        service: { type: 'string' },
        request_id: { type: 'string' },
      },
    },
    AnyError: {
      description: "The gateway's error, or the service's own in any form",
      anyOf: [{ $ref: '#/components/schemas/Error' }, {}],
    },
  },
};

/** A status of the gateway, which services send too, in their own form. */
function errorResponse(when: string, headers?: Json): Json {
  return {
    description: `${when}. Or the service's own response.`,
    ...(headers && { headers }),
    content: { 'application/json': { schema: { $ref: '#/components/schemas/AnyError' } }, '*/*': {} },
  };
}

/** Every status of an operation: those of the gateway's own responses, and `default` for all others. */
export function responsesOf(route: CompiledRoute, opensWebSocket: boolean): Json {
  const { options, proxy } = route;
  const isOnly = isWebSocketOnly(options);
  const statuses = [
    ...ALWAYS,
    ...(options.auth === 'none' ? [] : [401]),
    ...(isOpenToAllOrigins(options) ? [] : [403]),
    ...(proxy ? [404, 502, 504] : []),
    ...(opensWebSocket ? [426] : []),
    ...(route.isMonitoring ? [] : [429]),
  ];
  return {
    ...(opensWebSocket && { 101: { description: 'Open' } }),
    ...(!isOnly && { '2XX': reference('Service') }),
    ...Object.fromEntries(statuses.map((status) => [status, reference(status)])),
    default: reference('Service'),
  };
}

function isOpenToAllOrigins({ cors, crossOrigin }: RouteOptions): boolean {
  return cors === 'upstream' || crossOrigin === 'any';
}
