/* The errors that the transport itself makes. Others come from Node, with codes of the operating system or of OpenSSL. */

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
