import { ProxyException, UPGRADE_REQUIRED } from '@app/proxy';

/** A page of an origin that is not allowed. */
export class OriginForbiddenException extends ProxyException {
  constructor() {
    super({ status: 403, code: 'ORIGIN_FORBIDDEN', message: 'Origin not allowed' });
  }
}

/** The session of a request has ended before its response had. */
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

/** A new WebSocket for a process that is about to end; another one will take it. */
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

/** A new request or WebSocket for a process that has too much to do. */
export class OverloadedException extends ProxyException {
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

/** More requests in a minute than the route's limit lets one user, or one client's network, have. */
export class RateLimitedException extends ProxyException {
  /** @param resetAt when the count begins anew, in seconds since 1970 */
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

/** More open WebSockets than the route lets one user, or all of them, have. */
export class TooManyConnectionsException extends ProxyException {
  constructor() {
    super({ status: 429, code: 'TOO_MANY_CONNECTIONS', message: 'Too many open WebSockets' });
  }
}

/** A handshake of another version than 13 (RFC 6455, section 4.4). */
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

/** An `Expect` other than `100-continue` (RFC 9110, section 10.1.1). */
export class ExpectationFailedException extends ProxyException {
  constructor() {
    super({ status: 417, code: 'EXPECTATION_FAILED', message: 'Expectation not supported' });
  }
}
