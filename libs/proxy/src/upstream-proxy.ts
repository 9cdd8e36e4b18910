import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import {
  CircuitOpenException,
  UpstreamQueueFullException,
  UpstreamUnavailableException,
} from './exceptions.js';
import type { Exchange } from './exchange.js';
import type { Gate } from './gate.js';
import { acceptanceFault } from './headers/name-kinds.js';
import { Addresses } from './instances/addresses.js';
import { HealthChecks } from './instances/health-checks.js';
import type { InstanceFault } from './instances/instance-health.js';
import { isInstanceAddress } from './instances/instance-address.js';
import type { Instance } from './instances/instance.js';
import { InstanceSet, type InstanceChange } from './instances/instance-set.js';
import { TlsFilesError } from './instances/tls-files.js';
import { UpstreamTls } from './instances/upstream-tls.js';
import type { ProxyOptions } from './proxy.options.js';
import { compilePath, type CompiledPath } from './routing/compiled-path.js';
import type { TableRow } from './routing/table-row.js';
import type { Route } from './routing/route.js';
import { Attempts } from './transport/attempts.js';
import { SlowReaderLimit } from './transport/slow-reader-limit.js';
import { StreamedBodyLimit } from './transport/streamed-body-limit.js';
import { CircuitBreaker, type BreakerState } from './transport/circuit-breaker.js';
import type { Ticker } from './ticker.js';
import { Forward, forwardOf, type ForwardPlan } from './transport/forward.js';
import { RetryBudget } from './transport/retry-budget.js';
import type { UpstreamOptions } from './upstream.js';

/** An upstream that cannot be run as it is declared; the boot stops with it. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
}

/** A row with everything that can be worked out for it at boot. */
export interface ProxyRow extends TableRow, CompiledPath {
  readonly proxy: UpstreamProxy;
  readonly gates: readonly Gate[];
  readonly plan: ForwardPlan;
}

/** What an upstream tells of itself. */
export interface UpstreamEvents {
  instanceChanged(upstream: string, change: InstanceChange): void;
  breakerChanged(upstream: string, state: BreakerState): void;
  /** New TLS files are in use; with an error, they cannot be used, and the former ones stay in use. */
  tlsChanged(upstream: string, error: Error | undefined): void;
}

type ProxyServer = Parameters<Plugin>[0];

/** `web()` must return a promise; the forward reports by itself, so one serves for all. */
const FORWARDING = Promise.resolve();

/**
 * The one proxy of an upstream, made at boot: an `http-proxy-middleware` whose transport is a forward over pooled
 * connections.
 *
 * Requests go to its server, not through its handler: what that does before, filter, choice of the target and
 * rewriting, is worked out here at boot, and would be a sixteenth of the CPU time of a small request.
 */
export class UpstreamProxy {
  readonly name: string;
  readonly instances: InstanceSet;
  readonly breaker: CircuitBreaker;
  readonly retryBudget: RetryBudget;
  readonly streamedBodyLimit: StreamedBodyLimit;
  private readonly slowReaderLimit: SlowReaderLimit;
  readonly healthPath: string;
  /** In lower case; undefined if none. */
  readonly acceptedHeaders: ReadonlySet<string> | undefined;
  private server!: ProxyServer;
  private readonly checks: HealthChecks;
  private readonly addresses: Addresses;
  private readonly tls: UpstreamTls;

  /** @throws UpstreamError if an address is unusable or the gateway's own, a TLS file unusable, or a header not acceptable */
  constructor(
    readonly declaration: UpstreamOptions,
    private readonly gates: readonly Gate[],
    private readonly options: ProxyOptions,
    private readonly ticker: Ticker,
    events: UpstreamEvents,
  ) {
    const name = (this.name = declaration.name);
    this.healthPath = declaration.healthPath ?? '/health';
    this.acceptedHeaders = this.readAcceptedHeaders();
    this.breaker = new CircuitBreaker(options.breakerOpenMs, (state) => events.breakerChanged(name, state));
    this.retryBudget = new RetryBudget(options.retries.share);
    const count = (): number => Math.max(1, this.instances.up) * options.connections.maxConnections;
    this.streamedBodyLimit = new StreamedBodyLimit(count, options.streamedBodyLimit);
    this.slowReaderLimit = this.createSlowReaderLimit(count);
    const urls = this.readAddresses();
    this.tls = this.readTls(urls, (error) => events.tlsChanged(name, error));
    this.instances = new InstanceSet(options.connections, options.health, this.tls, (change) => {
      this.streamedBodyLimit.admitSoon();
      events.instanceChanged(name, change);
    });
    const setOrigins = (origins: readonly string[]): void =>
      this.instances.setOrigins(origins, performance.now());
    this.addresses = new Addresses(urls, options.dns, setOrigins);
    setOrigins(this.addresses.all);
    this.checks = new HealthChecks(this.instances, this.healthPath, options.checks);
    ticker.add(this.instances);
    ticker.add(this.slowReaderLimit);
    createProxyMiddleware({
      // Never asked, since the plugin takes every request to an instance.
      target: { protocol: 'http:', host: name },
      ejectPlugins: true,
      plugins: [
        (server) => {
          server.web = (_request, response) => {
            forwardOf(response).start();
            return FORWARDING;
          };
          this.server = server;
        },
      ],
    });
  }

  /** Looks up the addresses that are names, and begins to check the instances and to poll TLS files. */
  async start(): Promise<void> {
    this.tls.start();
    await this.addresses.start();
    this.checks.start();
  }

  /** Works out a row of this upstream. @throws RouteTableError */
  compile(route: Route): ProxyRow {
    const row = { route, upstream: this.name };
    return { ...row, ...compilePath(row), proxy: this, gates: this.gates, plan: this.planFor(route) };
  }

  /** Sends an exchange that passed its gates to the service, as `target`. `refuse` takes a failure to answer. */
  forward(exchange: Exchange, plan: ForwardPlan, target: string, refuse: (error?: unknown) => void): void {
    try {
      new Forward(exchange, plan, this.admit(performance.now()), target, refuse);
    } catch (error) {
      refuse(error);
      return;
    }
    void this.server.web(exchange.request, exchange.response);
  }

  /**
   * The attempts of a request that wants to go to the service; they must be ended.
   * @throws CircuitOpenException while the service is not asked
   */
  admit(now: number): Attempts {
    const { breaker } = this;
    const admission = breaker.admit(now);
    if (admission === undefined) throw new CircuitOpenException(this.name, breaker.retryAfterSeconds(now));
    this.retryBudget.earn(now);
    return new Attempts(this, admission, this.options.retries.most);
  }

  /**
   * The instance for the next attempt; undefined if all with room were tried.
   * @throws UpstreamUnavailableException if there is none, UpstreamQueueFullException if none has room
   */
  pick(tried: readonly Instance[], now: number): Instance | undefined {
    const instance = this.instances.pick(tried, now);
    if (instance || tried.length > 0) return instance;
    if (this.instances.all.length > 0) throw new UpstreamQueueFullException(this.name);
    this.addresses.refreshSoon();
    throw new UpstreamUnavailableException(this.name, new Error('no instance'));
  }

  /** Counts a failed attempt against its instance; one that cannot be reached may have another address now. */
  failed(instance: Instance, fault: InstanceFault, now: number): void {
    instance.health.failed(fault, now);
    if (fault === 'connect') this.addresses.refreshSoon();
  }

  /** Ends all connections to the service. */
  async destroy(): Promise<void> {
    this.checks.stop();
    this.addresses.stop();
    this.tls.stop();
    await this.instances.destroy();
  }

  private createSlowReaderLimit(count: () => number): SlowReaderLimit {
    const { streamedBodyLimit: bodies, options } = this;
    const connections = {
      count,
      waiting: () => this.instances.waiting,
      streamedBodies: () => bodies.inProgress,
      streamedBodiesOf: (network: string) => bodies.countOf(network),
    };
    return new SlowReaderLimit(connections, options.streamedBodyLimit);
  }

  private planFor(route: Route): ForwardPlan {
    const { options } = this;
    return {
      service: this.name,
      ticker: this.ticker,
      streamedBodyLimit: this.streamedBodyLimit,
      slowReaderLimit: this.slowReaderLimit,
      showsAttempts: options.retries.areShown,
      repeatsKeyed: route.repeatsKeyed ?? false,
      observers: this.gates.filter((gate) => 'answered' in gate),
      limits: {
        deadlineMs: route.deadlineMs ?? options.routeDeadlineMs,
        responseHeadersMs: options.responseHeadersTimeoutMs,
        idleBodyMs: options.idleBodyTimeoutMs,
        idleEventStreamMs: options.idleEventStreamTimeoutMs,
        bodyBytes: route.bodyLimitBytes ?? options.bodyLimitBytes,
        minimumRate: options.minimumRate,
      },
    };
  }

  private readTls(urls: readonly URL[], onChange: (error?: Error) => void): UpstreamTls {
    const { name, options } = this;
    const tls = options.tls.get(name);
    if (tls && urls.every(({ protocol }) => protocol !== 'https:')) {
      throw new UpstreamError(`${name} has TLS settings, and no https:// instance`);
    }
    try {
      return new UpstreamTls(tls ?? {}, options.tlsPollMs, onChange);
    } catch (error) {
      if (!(error instanceof TlsFilesError)) throw error;
      throw new UpstreamError(`${name} cannot use its TLS files: ${error.message}`);
    }
  }

  private readAcceptedHeaders(): ReadonlySet<string> | undefined {
    const { acceptedHeaders: names = [] } = this.declaration;
    for (const name of names) {
      const fault = acceptanceFault(name);
      if (fault !== undefined) throw new UpstreamError(`${this.name} cannot accept ${name}, which ${fault}`);
    }
    return names.length === 0 ? undefined : new Set(names.map((name) => name.toLowerCase()));
  }

  private readAddresses(): URL[] {
    const { declaration, options } = this;
    const addresses = options.addresses.get(this.name) ?? declaration.instances[options.network];
    if (addresses.length === 0) throw new UpstreamError(`${this.name} has no instance`);
    return addresses.map((address) => {
      if (!isInstanceAddress(address)) {
        throw new UpstreamError(`${this.name} has an instance that is not scheme://host:port: ${address}`);
      }
      const url = new URL(address);
      if (options.isOwnAddress(url)) {
        throw new UpstreamError(`${this.name} points at the gateway itself: ${address}`);
      }
      return url;
    });
  }
}
