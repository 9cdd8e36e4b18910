import { isConnectionLost } from '../attempts/exception-for.js';
import type { Stage } from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';

/* Signs that a service had closed a pooled connection before the request came. */

const REQUEST_TIMEOUT = 408;

/** Whether a response is a 408 for an idle connection, not for this request (RFC 9110, section 15.5.9). */
export function isStaleStatus(status: number, { reusedConnection }: Exchange): boolean {
  return status === REQUEST_TIMEOUT && reusedConnection;
}

/** Whether the connection broke before a byte of the response, and had carried a request before. */
export function isStaleError(error: Error, stage: Stage, { reusedConnection }: Exchange): boolean {
  return stage === 'response_headers' && reusedConnection && isConnectionLost(error);
}
