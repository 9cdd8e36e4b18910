import {
  UpstreamDisconnectedException,
  UpstreamInvalidResponseException,
  UpstreamTimeoutException,
  UpstreamUnreachableException,
} from '../exceptions.js';
import type { InstanceFault } from './instance-health.js';

/** What a failure says against the instance that was asked; undefined where it says nothing. */
export function faultOf(failure: unknown): InstanceFault | undefined {
  if (failure instanceof UpstreamUnreachableException) return 'connect';
  if (failure instanceof UpstreamDisconnectedException) return 'reset';
  if (failure instanceof UpstreamTimeoutException) return 'timeout';
  return failure instanceof UpstreamInvalidResponseException ? 'status' : undefined;
}
