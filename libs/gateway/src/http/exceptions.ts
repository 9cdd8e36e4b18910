import { ProxyException, UPGRADE_REQUIRED } from '@app/proxy/internal';

/** A request from a page whose origin is not allowed. */
export class OriginForbiddenException extends ProxyException {
  constructor() {
    super({ status: 403, code: 'ORIGIN_FORBIDDEN', message: 'Origin not allowed' });
  }
}

/** The session of a request ended before its response was complete. */
export class SessionEndedException extends ProxyException {
  constructor(readonly reason: 'revoked' | 'expired') {
    super({
      status: 401,
      code: reason === 'revoked' ? 'SESSION_REVOKED' : 'SESSION_EXPIRED',
      message: reason === 'revoked' ? 'Token revoked' : 'Invalid token',
      headers: ['WWW-Authenticate', 'Bearer error="invalid_token"'],
      stage: 'response_body',
    });
  }
}

/**
 * A new WebSocket while this process drains, or a stream that ends for it. If the client tries again, another process
 * serves it.
 */
export class GatewayDrainingException extends ProxyException {
  constructor() {
    super({
      status: 503,
      code: 'GATEWAY_DRAINING',
      message: 'Gateway is restarting',
      headers: ['Retry-After', '1'],
    });
  }
}

/** A new request or WebSocket while this process is overloaded. */
export class OverloadedException extends ProxyException {
  /** @param reason the saturated resource, for the log */
  constructor(reason: string) {
    super({
      status: 503,
      code: 'OVERLOADED',
      message: 'Gateway is overloaded',
      headers: ['Retry-After', '1'],
      cause: { message: reason },
    });
  }
}

/** More requests in a minute than the route's limit allows one user or one client network. */
export class RateLimitedException extends ProxyException {
  /** @param resetAt when the limit is reset, in seconds since 1970 */
  constructor(limit: number, resetAt: number, retryAfterSeconds: number) {
    super({
      status: 429,
      code: 'RATE_LIMITED',
      message: 'Rate limit exceeded',
      fields: { limit, remaining: 0, reset_at: resetAt },
      headers: ['Retry-After', String(retryAfterSeconds)],
    });
  }
}

/** More open WebSockets than the route allows one user or client network, or all of them together. */
export class TooManyConnectionsException extends ProxyException {
  constructor() {
    super({ status: 429, code: 'TOO_MANY_CONNECTIONS', message: 'Too many open WebSockets' });
  }
}

/** A WebSocket handshake with a version other than 13 (RFC 6455, section 4.4). */
export class WebSocketVersionException extends ProxyException {
  constructor() {
    super({
      status: 426,
      code: 'WEBSOCKET_VERSION',
      message: 'Unsupported WebSocket version',
      headers: ['Sec-WebSocket-Version', '13', ...UPGRADE_REQUIRED],
    });
  }
}

/** A method that HTTP does not have, and CONNECT (RFC 9110, section 9.1). */
export class MethodNotImplementedException extends ProxyException {
  constructor() {
    super({ status: 501, code: 'METHOD_NOT_IMPLEMENTED', message: 'Method not implemented' });
  }
}

/** An `Expect` other than `100-continue` (RFC 9110, section 10.1.1). */
export class ExpectationFailedException extends ProxyException {
  constructor() {
    super({ status: 417, code: 'EXPECTATION_FAILED', message: 'Expectation not supported' });
  }
}
