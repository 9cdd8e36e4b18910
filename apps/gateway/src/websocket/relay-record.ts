import type { RelayCounts } from './relay-counts.js';
import type { UpstreamHandshake } from './upstream-handshake.js';
import type { WebSocketRoute } from './websocket-route.js';

/** What a relay remembers of the request that opened it. */
export interface RelayRequest {
  readonly id: string;
  readonly clientAddress: string;
  /** As it may stand in a log line. */
  readonly path: string;
  /** Whose share of the route's connections it takes: a user, or the network of a client that nobody knows. */
  readonly holder: string;
  readonly handshake: UpstreamHandshake;
}

/** What logs and metrics read of a relay. */
export interface RelayRecord {
  readonly route: WebSocketRoute;
  readonly request: RelayRequest;
  /** `performance.now()` when its client got the 101. */
  readonly openedAt: number;
  readonly counts: RelayCounts;
}
