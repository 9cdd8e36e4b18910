import { HttpException } from '@nestjs/common';

/** The stage of an exchange in which it failed. */
export type Stage = 'request' | 'connect' | 'request_body' | 'response_headers' | 'response_body';

interface ExceptionOptions {
  readonly status: number;
  /** A constant that names the exception in logs and metrics. */
  readonly code: string;
  /** The message for the client. Never a host, a URL or a cause. */
  readonly message: string;
  /** Fields beside `error` in the body. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Headers of the response: name, value, name, value. */
  readonly headers?: readonly string[];
  readonly stage?: Stage;
  readonly cause?: unknown;
}

/**
 * An exception with a response of the gateway's own: `{"error": message, ...fields}`. Without a stack trace: it is expected,
 * and clients choose how many there are.
 */
export abstract class ProxyException extends HttpException {
  /** The constant that names it in logs and metrics. Nest 11 has no such field. */
  override readonly errorCode: string;
  readonly headers: readonly string[];
  readonly stage: Stage;

  constructor({ message, fields, status, code, cause, headers = [], stage = 'request' }: ExceptionOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super({ error: message, ...fields }, status, { cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.errorCode = code;
    this.headers = headers;
    this.stage = stage;
  }

  /** Nest's own would derive the message from the name of the class, with a regular expression. */
  override initMessage(): void {
    this.message = (this.getResponse() as { readonly error: string }).error;
  }
}

/** A path that two servers could read differently. */
export class AmbiguousPathException extends ProxyException {
  constructor() {
    super({ status: 400, code: 'AMBIGUOUS_PATH', message: 'Invalid path' });
  }
}

/** A method that no route of the path has. */
export class RouteMethodException extends ProxyException {
  constructor(allow: string) {
    super({
      status: 405,
      code: 'METHOD_NOT_ALLOWED',
      message: 'Method not allowed',
      headers: ['Allow', allow],
    });
  }
}

/**
 * Headers of every 426 (RFC 9110, section 15.5.22). Without `close`, Node would keep a connection open after the client
 * asked to close it.
 */
export const UPGRADE_REQUIRED: readonly string[] = ['Upgrade', 'websocket', 'Connection', 'Upgrade, close'];

/** A plain request for a WebSocket route. */
export class UpgradeRequiredException extends ProxyException {
  constructor() {
    super({
      status: 426,
      code: 'UPGRADE_REQUIRED',
      message: 'WebSocket upgrade required',
      headers: UPGRADE_REQUIRED,
    });
  }
}

/** A body past the route's limit. */
export class BodyTooLargeException extends ProxyException {
  constructor(limitBytes: number) {
    const fields = { limit_bytes: limitBytes };
    super({
      status: 413,
      code: 'BODY_TOO_LARGE',
      message: 'Request body too large',
      fields,
      stage: 'request_body',
    });
  }
}

/** One client's network has more uploads in progress than an upstream allows. */
export class TooManyUploadsException extends ProxyException {
  constructor() {
    super({
      status: 429,
      code: 'TOO_MANY_UPLOADS',
      message: 'Too many uploads in progress',
      headers: ['Retry-After', '1'],
      stage: 'request_body',
    });
  }
}

/** A body that comes slower than the minimum rate. */
export class BodyTooSlowException extends ProxyException {
  constructor() {
    super({ status: 408, code: 'BODY_TOO_SLOW', message: 'Request body too slow', stage: 'request_body' });
  }
}

/** The client closed its connection before the exchange was complete. No response can be sent; 499 is for the log. */
export class ClientGoneException extends ProxyException {
  constructor(stage: Stage) {
    super({ status: 499, code: 'CLIENT_GONE', message: 'Client closed the connection', stage });
  }
}

/** The client stopped reading its response. Nothing more can be sent; 499 is for the log. */
export class ClientStalledException extends ProxyException {
  /** @param cause why the gateway did not wait until the timeout; undefined if it did */
  constructor(cause?: unknown) {
    super({
      status: 499,
      code: 'CLIENT_STALLED',
      message: 'Client stopped reading',
      stage: 'response_body',
      cause,
    });
  }
}

/** A request that Node's parser accepts, though it is not valid HTTP/1.1 for a service. */
export class InvalidRequestException extends ProxyException {
  constructor(message: string, cause?: unknown) {
    super({ status: 400, code: 'INVALID_REQUEST', message, cause });
  }
}

/** No connection to the service could be made. */
export class UpstreamUnreachableException extends ProxyException {
  /** @param isOwnFault whether the gateway could not open one, which says nothing of the instance */
  constructor(
    service: string,
    cause: unknown,
    readonly isOwnFault = false,
  ) {
    super({ ...unavailable(502, 'UPSTREAM_UNREACHABLE', service, cause), stage: 'connect' });
  }
}

/** The TLS handshake with the service failed: a certificate is not trusted, or the service does not speak TLS. */
export class UpstreamTlsException extends ProxyException {
  constructor(service: string, cause: unknown) {
    super({ ...unavailable(502, 'UPSTREAM_TLS', service, cause), stage: 'connect' });
  }
}

/** The service broke the connection before its response was complete. */
export class UpstreamDisconnectedException extends ProxyException {
  constructor(service: string, stage: Stage, cause: unknown) {
    super({ ...unavailable(502, 'UPSTREAM_DISCONNECTED', service, cause), stage });
  }
}

/** The service sent something that is not HTTP. */
export class UpstreamInvalidResponseException extends ProxyException {
  constructor(service: string, stage: Stage, cause: unknown) {
    super({ ...unavailable(502, 'UPSTREAM_INVALID_RESPONSE', service, cause), stage });
  }
}

/** The service took longer than a timeout. */
export class UpstreamTimeoutException extends ProxyException {
  constructor(service: string, stage: Stage, cause: unknown) {
    super({
      status: 504,
      code: 'UPSTREAM_TIMEOUT',
      message: 'Service timed out',
      fields: { service },
      stage,
      cause,
    });
  }
}

/** No instance is known, or the gateway has closed the connections to it. */
export class UpstreamUnavailableException extends ProxyException {
  constructor(service: string, cause: unknown) {
    super({ ...unavailable(503, 'UPSTREAM_UNAVAILABLE', service, cause), headers: ['Retry-After', '1'] });
  }
}

/** The queue for a connection to the service is full. */
export class UpstreamQueueFullException extends ProxyException {
  constructor(service: string) {
    super({
      ...unavailable(503, 'UPSTREAM_QUEUE_FULL', service, undefined),
      headers: ['Retry-After', '1'],
      stage: 'connect',
    });
  }
}

/** Other streamed bodies hold their share of the service's connections; the queue is full, or the wait was too long. */
export class UpstreamBodiesBusyException extends ProxyException {
  constructor(service: string) {
    super({
      ...unavailable(503, 'UPSTREAM_BODIES_BUSY', service, undefined),
      headers: ['Retry-After', '1'],
      stage: 'request_body',
    });
  }
}

/** The router of an upstream has chosen what is neither one of its instances nor an upstream. */
export class UpstreamRouterException extends ProxyException {
  constructor(service: string, choice: string) {
    super(unavailable(502, 'UPSTREAM_ROUTER', service, new Error(`the router chose ${choice}`)));
  }
}

/** The circuit breaker is open: too many of the last requests to the service failed. */
export class CircuitOpenException extends ProxyException {
  constructor(service: string, retryAfterSeconds: number) {
    super({
      ...unavailable(503, 'CIRCUIT_OPEN', service, undefined),
      headers: ['Retry-After', String(retryAfterSeconds)],
      stage: 'connect',
    });
  }
}

function unavailable(status: number, code: string, service: string, cause: unknown): ExceptionOptions {
  return { status, code, message: 'Service unavailable', fields: { service }, cause };
}
