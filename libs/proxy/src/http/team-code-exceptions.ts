import { ProxyException } from './exceptions.js';

/** A listener of http-proxy-middleware's events has thrown. */
export class ProxyListenerException extends ProxyException {
  constructor(cause: unknown) {
    super({ status: 500, code: 'PROXY_LISTENER_FAILED', message: 'Internal server error', cause });
  }
}

/** The `onResponse` of a gate has thrown, or a gate has added a header that cannot be sent. */
export class GateFailedException extends ProxyException {
  constructor(cause: unknown) {
    super({ status: 500, code: 'GATE_FAILED', message: 'Internal server error', cause });
  }
}
