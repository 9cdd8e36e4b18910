import type { CircuitState } from './attempts/circuit-breaker.js';
import type { InstanceChange } from './balancing/upstream-instances.js';

/** Called when the state of an upstream changes. */
export interface UpstreamEvents {
  instanceChanged(upstream: string, change: InstanceChange): void;
  circuitChanged(upstream: string, state: CircuitState): void;
  /** New TLS files are in use. With an error: the new files cannot be used, and the former ones stay in use. */
  tlsChanged(upstream: string, error: Error | undefined): void;
}
