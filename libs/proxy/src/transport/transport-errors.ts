/* The errors of the gateway's own connections. Others come from Node, with codes of the operating system or of OpenSSL. */

/** A connection was not open in time. */
export class ConnectTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('connect timeout');
  }
}

/** A service did not respond to a WebSocket handshake in time. */
export class HandshakeTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('no response to the handshake');
  }
}

/** The service closed the connection before its response was complete. */
export class ConnectionClosedError extends Error {
  readonly code = 'ERR_CONNECTION_CLOSED';

  constructor() {
    super('the service closed the connection');
  }
}

/** A response breaks a rule of HTTP/1.1. */
export class InvalidResponseError extends Error {
  readonly code = 'ERR_INVALID_RESPONSE';
}

/** The pool was destroyed. */
export class PoolDestroyedError extends Error {
  readonly code = 'ERR_POOL_DESTROYED';

  constructor() {
    super('the connections to the instance were closed');
  }
}
