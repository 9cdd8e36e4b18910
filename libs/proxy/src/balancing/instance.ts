import type { ConnectionOptions } from 'node:tls';
import { ConnectionPool } from '../transport/connection-pool.js';
import type { PoolOptions } from '../transport/pool-options.js';
import { dialHttp, type Onread, type OpeningSocket } from '../transport/dial.js';
import { UpgradeCall, type UpgradeListener } from '../transport/upgrade-call.js';
import type { UpstreamCall } from '../transport/upstream-call.js';
import type { UpstreamTls } from '../transport/upstream-tls.js';
import type { InstanceHealth } from './instance-health.js';
import { hashOf } from './key-hash.js';

export interface InstanceOptions extends PoolOptions {
  /** Longest time in milliseconds until a TCP (and TLS) connection is open. */
  readonly connectTimeoutMs: number;
  /** Most requests that wait for a connection; past it 503. */
  readonly maxPending: number;
}

/** Figures of one instance: `opened` and `reused` since the process began, the others of this moment. */
export interface InstanceStats {
  readonly connected: number;
  readonly pending: number;
  readonly running: number;
  /** Most connections at a time; retries may open as many of their own. */
  readonly limit: number;
  readonly opened: number;
  readonly reused: number;
}

/**
 * One address of a service with its connections. `dispatch` uses any free connection, so that few requests wait for a
 * handshake. `dispatchFresh` always opens one, so that a retry does not meet a second dead connection.
 */
export class Instance {
  /** `Host` of requests that have none. */
  readonly host: string;
  /** See `pickByHash`. */
  readonly hash: number;
  private readonly pool: ConnectionPool;
  /** Each of its connections carries one request. */
  private readonly freshPool: ConnectionPool;
  /** Without the brackets of an IPv6 address. */
  private readonly hostname: string;
  private readonly port: number;
  private readonly isSecure: boolean;
  private readonly maxActiveRequests: number;
  /** The last TLS session, and the context that it was made with. */
  private session:
    { readonly context: ConnectionOptions['secureContext']; readonly data: Buffer } | undefined;

  /** Requests in flight, including those that wait for a connection. */
  activeRequests = 0;
  /** Whether its upstream has it no longer: then it gets no new requests. */
  isRemoved = false;

  constructor(
    /** Scheme, host and port. */
    readonly origin: string,
    private readonly options: InstanceOptions,
    readonly health: InstanceHealth,
    private readonly tls: UpstreamTls,
  ) {
    const { protocol, host, hostname, port } = new URL(origin);
    this.host = host;
    this.hash = hashOf(origin);
    this.hostname = hostname.replace(/^\[|\]$/g, '');
    this.isSecure = protocol === 'https:';
    this.port = Number(port || (this.isSecure ? 443 : 80));
    this.maxActiveRequests = options.maxConnections + options.maxPending;
    this.pool = new ConnectionPool(this.open, options, false);
    this.freshPool = new ConnectionPool(this.open, options, true);
  }

  /** Whether the connections and the queue are full. */
  get isFull(): boolean {
    return this.activeRequests >= this.maxActiveRequests;
  }

  /** The load, to compare instances by: requests in flight and the next, divided by the share. */
  load(now: number): number {
    return (this.activeRequests + 1) / this.health.weight(now);
  }

  dispatch(call: UpstreamCall): void {
    this.pool.dispatch(call);
  }

  /** As `dispatch`, over a connection that has not served yet. */
  dispatchFresh(call: UpstreamCall): void {
    this.freshPool.dispatch(call);
  }

  /** Takes a call that has no connection yet back. */
  cancel(call: UpstreamCall): void {
    this.pool.cancel(call);
    this.freshPool.cancel(call);
  }

  /** Sends a request that asks for another protocol, over a connection outside the pools. @param head see `UpgradeCall` */
  requestUpgrade(head: string, listener: UpgradeListener): UpgradeCall {
    return new UpgradeCall(this.open(), head, this.options.headerLimitBytes, listener);
  }

  stats(): InstanceStats {
    const { pool, freshPool: fresh } = this;
    return {
      connected: pool.connected + fresh.connected,
      pending: pool.pending + fresh.pending,
      running: pool.running + fresh.running,
      limit: this.options.maxConnections,
      opened: pool.opened + fresh.opened,
      reused: pool.reused + fresh.reused,
    };
  }

  /** Closes connections that were unused for too long. */
  tick(now: number): void {
    this.pool.tick(now);
  }

  /** Ends all connections, also those in use. */
  destroy(): void {
    this.pool.destroy();
    this.freshPool.destroy();
  }

  /** @param onread Default: the socket emits `data` */
  private readonly open = (onread?: Onread): OpeningSocket => {
    const { hostname: host, port, session } = this;
    const secure = this.isSecure ? this.tls.optionsFor(this.hostname) : undefined;
    const { connectTimeoutMs: timeoutMs } = this.options;
    if (!secure) return dialHttp({ host, port }, onread, { timeoutMs });
    // A session that was made with other files proves nothing about the present ones.
    const data = session?.context === secure.secureContext ? session?.data : undefined;
    const options = { ...secure, ALPNProtocols: ['http/1.1'], session: data };
    const opening = dialHttp({ host, port }, onread, { timeoutMs, secure: options });
    opening.socket.on('session', (made: Buffer) => {
      this.session = { context: secure.secureContext, data: made };
    });
    return opening;
  };
}
