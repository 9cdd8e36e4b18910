import {
  UpstreamDisconnectedException,
  UpstreamInvalidResponseException,
  UpstreamTimeoutException,
  UpstreamTlsException,
  UpstreamUnreachableException,
} from '../http/exceptions.js';
import type { FailureKind } from './instance-health.js';

/** Whether a service, or a proxy before it, says by this status that it cannot serve at present. */
export function isUnavailable(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** This process has no descriptor left: nothing is known of the instance. */
const NO_DESCRIPTOR: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE']);

/** What a failure says against the instance that was asked; undefined where it says nothing. */
export function failureKindOf(failure: unknown): FailureKind | undefined {
  if (failure instanceof UpstreamTlsException) return 'connect';
  if (failure instanceof UpstreamUnreachableException) {
    const { code } = failure.cause as NodeJS.ErrnoException;
    return NO_DESCRIPTOR.has(code) ? undefined : 'connect';
  }
  if (failure instanceof UpstreamDisconnectedException) return 'reset';
  if (failure instanceof UpstreamTimeoutException) return 'timeout';
  return failure instanceof UpstreamInvalidResponseException ? 'invalid_response' : undefined;
}
