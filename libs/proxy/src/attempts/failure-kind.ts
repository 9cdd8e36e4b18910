import {
  UpstreamDisconnectedException,
  UpstreamInvalidResponseException,
  UpstreamTimeoutException,
  UpstreamTlsException,
  UpstreamUnreachableException,
} from '../http/exceptions.js';
import type { FailureKind } from '../balancing/instance-health.js';

/** Whether a status means that the service, or a proxy before it, is unavailable at present. */
export function isUnavailable(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** The failure kind of an attempt's exception; undefined if the instance did not cause it. */
export function failureKindOf(failure: unknown): FailureKind | undefined {
  if (failure instanceof UpstreamTlsException) return 'connect';
  if (failure instanceof UpstreamUnreachableException) return failure.isOwnFault ? undefined : 'connect';
  if (failure instanceof UpstreamDisconnectedException) return 'reset';
  if (failure instanceof UpstreamTimeoutException) return 'timeout';
  return failure instanceof UpstreamInvalidResponseException ? 'invalid_response' : undefined;
}
