import type { ConnectionOptions } from 'node:tls';
import { Pool, type Dispatcher } from 'undici';
import type { InstanceHealth } from './instance-health.js';
import { tcpConnector } from '../transport/dial.js';
import { onread } from '../transport/read-buffer.js';
import type { UpstreamTls } from '../transport/upstream-tls.js';
import { WatchedClient, type ResponseHandler } from '../transport/watched-client.js';

/** One request to an instance. */
export interface InstanceRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: AsyncIterable<Buffer> | Buffer | null;
}

export interface InstanceOptions {
  /** Longest time in milliseconds until a TCP (and TLS) connection is open. */
  readonly connectTimeoutMs: number;
  /** Most connections at a time; further requests wait. Retries may open as many of their own. */
  readonly maxConnections: number;
  /** Most requests that wait for a connection; past it 503. */
  readonly maxPending: number;
  /**
   * Milliseconds for which an idle connection stays open. Must be below the service's own keep-alive, or the service closes
   * connections at the moment of reuse. A shorter `Keep-Alive: timeout` of the service is obeyed.
   */
  readonly keepAliveMs: number;
  /** Largest header block of a response in bytes. */
  readonly headerLimitBytes: number;
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
 * One address of a service with its connections. `dispatch` uses any idle connection, so that few requests wait for a
 * handshake. `dispatchFresh` always opens one, so that a retry does not meet a second dead connection.
 */
export class Instance {
  private readonly pool: Pool;
  /** Every connection of this pool serves once: a Pool has no option to open a new one. */
  private readonly freshPool: Pool;
  /** Without the brackets of an IPv6 address. */
  private readonly host: string;
  private readonly isSecure: boolean;
  private readonly limit: number;
  private readonly maxActiveRequests: number;
  private opened = 0;
  private reused = 0;
  /** Requests in flight, including those that wait for a connection. */
  activeRequests = 0;

  constructor(
    /** Scheme, host and port. */
    readonly origin: string,
    options: InstanceOptions,
    readonly health: InstanceHealth,
    private readonly tls: UpstreamTls,
  ) {
    const { protocol, hostname } = new URL(origin);
    this.host = hostname.replace(/^\[|\]$/g, '');
    this.limit = options.maxConnections;
    this.maxActiveRequests = options.maxConnections + options.maxPending;
    const { connectTimeoutMs: timeout } = options;
    const common = {
      connections: options.maxConnections,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: options.keepAliveMs,
      // Otherwise a service's longer `Keep-Alive: timeout` would apply.
      keepAliveMaxTimeout: options.keepAliveMs,
      keepAliveTimeoutThreshold: 1_000,
      maxHeaderSize: options.headerLimitBytes,
      // The forward has its own timeouts, which consider uploads, event streams and slow clients.
      headersTimeout: 0,
      bodyTimeout: 0,
      factory: (url: URL, clientOptions: object) => new WatchedClient(url, clientOptions, this.onReuse),
    };
    this.isSecure = protocol === 'https:';
    const createPool = (): Pool =>
      new Pool(origin, {
        ...common,
        connect: this.isSecure
          ? tls.connectorFor(this.host, { timeout, onread })
          : tcpConnector({ onread }, timeout),
      });
    this.pool = createPool();
    this.freshPool = createPool();
    this.pool.on('connect', this.onConnect);
    this.freshPool.on('connect', this.onConnect);
  }

  /** Whether the connections and the queue are full. */
  get isFull(): boolean {
    return this.activeRequests >= this.maxActiveRequests;
  }

  /** The load, to compare instances by: requests in flight and the next, divided by the share. */
  load(now: number): number {
    return (this.activeRequests + 1) / this.health.weight(now);
  }

  /** @throws Error if the request cannot be written in HTTP/1.1; the handler gets all other errors */
  dispatch(request: InstanceRequest, handler: ResponseHandler): void {
    // Closed after HEAD only: if a service sends a body, undici would read it as the next response. Without `reset`, undici
    // would also close the connection after a DELETE with a body.
    this.pool.dispatch(this.optionsFor(request, request.method === 'HEAD'), handler);
  }

  /** As `dispatch`, over a connection that has not served yet. */
  dispatchFresh(request: InstanceRequest, handler: ResponseHandler): void {
    this.freshPool.dispatch(this.optionsFor(request, true), handler);
  }

  /** Whether a GET has a status below 500 in time. On a connection of its own, as all others may be busy. */
  async isAnswering(path: string, timeoutMs: number): Promise<boolean> {
    const timeout = new AbortController();
    const { signal } = timeout;
    const timer = setTimeout(() => timeout.abort(), timeoutMs).unref();
    try {
      const request = { path, method: 'GET', signal, reset: true, servername: this.host };
      const { statusCode, body } = await this.freshPool.request(request);
      await body.dump();
      return statusCode < 500;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** TLS options for a connection outside the pools, such as a WebSocket; undefined if the origin is `http://`. */
  tlsOptions(): ConnectionOptions | undefined {
    return this.isSecure ? this.tls.optionsFor(this.host) : undefined;
  }

  stats(): InstanceStats {
    const [pool, fresh] = [this.pool.stats, this.freshPool.stats];
    return {
      connected: pool.connected + fresh.connected,
      pending: pool.queued + fresh.queued,
      running: pool.running + fresh.running,
      limit: this.limit,
      opened: this.opened,
      reused: this.reused,
    };
  }

  /** Ends all connections, also those in use. */
  async destroy(): Promise<void> {
    await Promise.all([this.pool.destroy(), this.freshPool.destroy()]);
  }

  /** undici's types lack `servername` and iterable bodies, which undici supports. */
  private optionsFor(request: InstanceRequest, reset: boolean): Dispatcher.DispatchOptions {
    // Without `servername`, undici would use the client's `Host`, and close the connection if it changes.
    return { ...request, reset, servername: this.host } as Dispatcher.DispatchOptions;
  }

  private readonly onConnect = (): void => {
    this.opened++;
  };

  private readonly onReuse = (): void => {
    this.reused++;
  };
}
