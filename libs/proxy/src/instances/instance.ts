import { Pool, type Dispatcher } from 'undici';
import type { InstanceHealth } from './instance-health.js';
import { onread } from './read-buffer.js';
import { WatchedClient, type ResponseHandler } from './watched-client.js';

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
  readonly maxWaiting: number;
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
  readonly waiting: number;
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
  private readonly limit: number;
  private readonly mostOutstanding: number;
  private opened = 0;
  private reused = 0;
  /** Requests on their way, those that wait for a connection included. */
  outstanding = 0;

  constructor(
    /** Scheme, host and port. */
    readonly origin: string,
    options: InstanceOptions,
    readonly health: InstanceHealth,
  ) {
    this.limit = options.maxConnections;
    this.mostOutstanding = options.maxConnections + options.maxWaiting;
    const common = {
      connections: options.maxConnections,
      connect: { timeout: options.connectTimeoutMs, onread },
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
    this.pool = new Pool(origin, common);
    this.freshPool = new Pool(origin, common);
    this.pool.on('connect', this.onConnect);
    this.freshPool.on('connect', this.onConnect);
  }

  /** Whether one more may not even wait. */
  get isFull(): boolean {
    return this.outstanding >= this.mostOutstanding;
  }

  /** How busy it is, for comparison. */
  load(now: number): number {
    return (this.outstanding + 1) / this.health.weight(now);
  }

  /** @throws Error where the request cannot be written in HTTP/1.1; the handler hears of all else */
  dispatch(request: InstanceRequest, handler: ResponseHandler): void {
    // After HEAD only: a service that answers it with content would have that content taken for the next response.
    // Left to itself, undici would close the connection after a body on DELETE too.
    this.pool.dispatch(optionsFor(request, request.method === 'HEAD'), handler);
  }

  /** As `dispatch`, over a connection that has not served yet. */
  dispatchFresh(request: InstanceRequest, handler: ResponseHandler): void {
    this.freshPool.dispatch(optionsFor(request, true), handler);
  }

  /** Whether the instance answers a GET in time, below 500; on a connection of its own, as all others may be busy. */
  async answers(path: string, timeoutMs: number): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const { statusCode, body } = await this.freshPool.request({ path, method: 'GET', signal, reset: true });
      await body.dump();
      return statusCode < 500;
    } catch {
      return false;
    }
  }

  stats(): InstanceStats {
    const [pool, fresh] = [this.pool.stats, this.freshPool.stats];
    return {
      connected: pool.connected + fresh.connected,
      waiting: pool.queued + fresh.queued,
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

  private readonly onConnect = (): void => {
    this.opened++;
  };

  private readonly onReuse = (): void => {
    this.reused++;
  };
}

/** The types of undici leave out that a body may be an iterable. */
function optionsFor(request: InstanceRequest, reset: boolean): Dispatcher.DispatchOptions {
  return { ...request, reset } as Dispatcher.DispatchOptions;
}
