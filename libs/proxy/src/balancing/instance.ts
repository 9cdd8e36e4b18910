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
  /** Milliseconds until a TCP (and TLS) connection must stand. */
  readonly connectTimeoutMs: number;
  /** Most connections at a time; requests past it wait. Retries may open as many of their own. */
  readonly maxConnections: number;
  /** Most requests that may wait for a connection; past it 503. */
  readonly maxPending: number;
  /**
   * Milliseconds that an unused connection is kept. Below the service's own keep-alive, or the service closes
   * connections at the moment of reuse; a shorter `Keep-Alive: timeout` of the service is honoured.
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
 * One address of a service with its connections: `dispatch` takes any that is free, so that a request rarely pays
 * for a handshake, and `dispatchFresh` always dials, so that a retry cannot meet a second dead connection.
 */
export class Instance {
  private readonly pool: Pool;
  /** A Pool cannot be told to dial anew; every connection of this one serves once. */
  private readonly freshPool: Pool;
  /** Without the brackets of an IPv6 address. */
  private readonly host: string;
  private readonly isSecure: boolean;
  private readonly limit: number;
  private readonly maxActiveRequests: number;
  private opened = 0;
  private reused = 0;
  /** Requests on their way, those that wait for a connection included. */
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
      // Or a service's longer `Keep-Alive: timeout` would count.
      keepAliveMaxTimeout: options.keepAliveMs,
      keepAliveTimeoutThreshold: 1_000,
      maxHeaderSize: options.headerLimitBytes,
      // The forward's own clocks know uploads, event streams and clients that hold back; these do not.
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

  /** Whether one more may not even wait. */
  get isFull(): boolean {
    return this.activeRequests >= this.maxActiveRequests;
  }

  /** How busy it is, for comparison. */
  load(now: number): number {
    return (this.activeRequests + 1) / this.health.weight(now);
  }

  /** @throws Error if the request cannot be written in HTTP/1.1; the handler hears of all else */
  dispatch(request: InstanceRequest, handler: ResponseHandler): void {
    // After HEAD only: a service that answers it with content would have that content taken for the next response.
    // Left to itself, undici would close the connection after a body on DELETE too.
    this.pool.dispatch(this.optionsFor(request, request.method === 'HEAD'), handler);
  }

  /** As `dispatch`, over a connection that has not served yet. */
  dispatchFresh(request: InstanceRequest, handler: ResponseHandler): void {
    this.freshPool.dispatch(this.optionsFor(request, true), handler);
  }

  /** Whether the instance answers a GET in time, below 500; on a connection of its own, as all others may be busy. */
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

  /** How a connection of another kind to it is secured; undefined if it is `http://`. */
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

  /** Ends all connections, those in use too. */
  async destroy(): Promise<void> {
    await Promise.all([this.pool.destroy(), this.freshPool.destroy()]);
  }

  /** The types of undici leave out that a body may be an iterable, and the server's name. */
  private optionsFor(request: InstanceRequest, reset: boolean): Dispatcher.DispatchOptions {
    // Without a name, undici would take the client's `Host`, and close a connection whenever that changes.
    return { ...request, reset, servername: this.host } as Dispatcher.DispatchOptions;
  }

  private readonly onConnect = (): void => {
    this.opened++;
  };

  private readonly onReuse = (): void => {
    this.reused++;
  };
}
