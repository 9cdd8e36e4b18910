/** Limits of the connections to one instance. */
export interface PoolOptions {
  /** Most connections at a time; further calls wait. */
  readonly maxConnections: number;
  /** Milliseconds for which an unused connection stays open. A shorter `Keep-Alive: timeout` of the service is obeyed. */
  readonly keepAliveMs: number;
  /** Largest head of a response in bytes. */
  readonly headerLimitBytes: number;
}
