import {
  CircuitOpenException,
  ProxyException,
  UpstreamQueueFullException,
  UpstreamUnavailableException,
} from './http/exceptions.js';
import type { Exchange } from './http/exchange.js';
import type { Gate } from './http/gate.js';
import { Affinity } from './balancing/affinity.js';
import type { CompiledHeaderRules } from './headers/compiled-header-rules.js';
import { UpstreamHeaders } from './headers/upstream-headers.js';
import { Addresses } from './balancing/addresses.js';
import { HealthChecks } from './balancing/health-checks.js';
import type { FailureKind } from './balancing/instance-health.js';
import type { Instance } from './balancing/instance.js';
import { UpstreamInstances } from './balancing/upstream-instances.js';
import { TlsFilesError } from './transport/tls-files.js';
import { UpstreamTls } from './transport/upstream-tls.js';
import type { UpstreamProxyOptions } from './proxy.options.js';
import type { ProxyListeners } from './proxy-listeners.js';
import { compilePath } from './routing/path-pattern.js';
import type { Route } from './routing/route.js';
import type { RouteOptions } from './routing/route-options.js';
import { pickerFor } from './attempts/affinity-picker.js';
import { Attempts, type AttemptedUpstream, type InstancePicker } from './attempts/attempts.js';
import { checkEventStream, checkTimeouts, eventStreamOptionsFor, limitsFor } from './forward/route-limits.js';
import { SlowReaderLimit } from './forward/slow-reader-limit.js';
import { StreamedBodyLimit } from './forward/streamed-body-limit.js';
import { CircuitBreaker } from './attempts/circuit-breaker.js';
import type { Ticker } from './http/ticker.js';
import { Forward } from './forward/forward.js';
import type { ForwardOptions } from './forward/forward-options.js';
import { RetryBudget } from './attempts/retry-budget.js';
import type { UpstreamOptions } from './upstream.js';
import { readAddresses } from './upstream-addresses.js';
import { UpstreamConfigurationError } from './upstream-configuration.error.js';
import { settingNameOf } from './upstream-name.js';
import type { UpstreamEvents } from './upstream-events.js';

/** A route of an upstream, with its gates, its proxy and the options of its forwards. */
export interface ProxyRoute extends Route {
  readonly upstream: string;
  readonly proxy: UpstreamProxy;
  readonly gates: readonly Gate[];
  readonly forwardOptions: ForwardOptions;
}

/**
 * The proxy of one upstream, made at boot: forwards exchanges over pooled connections.
 *
 * The routes of the table call it directly, and so does the server of its `http-proxy-middleware`, which a team may mount.
 * For a route, that middleware's handler has nothing to filter or rewrite, and would cost a sixteenth of a small request.
 */
export class UpstreamProxy implements AttemptedUpstream, InstancePicker {
  readonly name: string;
  readonly instances: UpstreamInstances;
  readonly breaker: CircuitBreaker;
  readonly retryBudget: RetryBudget;
  readonly streamedBodyLimit: StreamedBodyLimit;
  readonly slowReaderLimit: SlowReaderLimit;
  readonly healthPath: string;
  readonly maxRetries: number;
  readonly headers: UpstreamHeaders;
  /** The listeners of its `http-proxy-middleware`; set before its routes are compiled. */
  listeners: ProxyListeners | undefined;
  private optionsOfMounted: ForwardOptions | undefined;
  private readonly checks: HealthChecks;
  private readonly addresses: Addresses;
  private readonly tls: UpstreamTls;

  /**
   * @param options with the gates of this upstream behind those of all
   * @throws UpstreamConfigurationError if an address is invalid or the gateway's own, or a TLS file unusable; HeaderConfigurationError
   */
  constructor(
    readonly declaration: UpstreamOptions,
    private readonly options: UpstreamProxyOptions,
    private readonly ticker: Ticker,
    events: UpstreamEvents,
  ) {
    const name = (this.name = declaration.name);
    this.healthPath = declaration.healthPath ?? '/health';
    this.headers = new UpstreamHeaders(declaration);
    this.breaker = new CircuitBreaker(options.breakerOpenMs, (state) => events.circuitChanged(name, state));
    this.maxRetries = options.retries.maxRetries;
    this.retryBudget = new RetryBudget(options.retries.budgetRatio);
    this.streamedBodyLimit = new StreamedBodyLimit(
      () => Math.max(1, this.instances.up) * options.connections.maxConnections,
      options.streamedBodyLimit,
    );
    this.slowReaderLimit = new SlowReaderLimit(this.streamedBodyLimit, () => this.instances.pending);
    const urls = readAddresses(declaration, options);
    this.tls = this.readTls(urls, (error) => events.tlsChanged(name, error));
    this.instances = new UpstreamInstances(options, this.tls, (change) => {
      this.streamedBodyLimit.dequeueSoon();
      events.instanceChanged(name, change);
    });
    const setOrigins = (origins: readonly string[]): void =>
      this.instances.setOrigins(origins, performance.now());
    this.addresses = new Addresses(urls, options.dns, setOrigins);
    setOrigins(this.addresses.all);
    const { hostOfChecks } = this.headers;
    this.checks = new HealthChecks(this.instances, this.healthPath, options.checks, hostOfChecks);
    ticker.add(this.instances);
    ticker.add(this.slowReaderLimit);
  }

  /** Resolves the addresses that are names, and begins to check the instances and to poll TLS files. */
  async start(): Promise<void> {
    this.tls.start();
    await this.addresses.start();
    this.checks.start();
  }

  /** @throws RouteTableConfigurationError, HeaderConfigurationError */
  compile(options: RouteOptions): ProxyRoute {
    const { name: upstream, headers } = this;
    const { gates } = this.options;
    const acceptedHeaders = headers.accepted;
    const route = { options, upstream, acceptedHeaders, isMonitoring: false, limit: undefined };
    const pattern = compilePath(route);
    checkTimeouts(route, this.options);
    checkEventStream(route);
    const forwardOptions = this.forwardOptionsFor(options, headers.rulesFor(route, pattern));
    return { ...route, ...pattern, proxy: this, gates, forwardOptions };
  }

  /** The options of a request that comes through a mounted proxy, and so has no route. */
  get mountedOptions(): ForwardOptions {
    return (this.optionsOfMounted ??= this.forwardOptionsFor({}, this.headers.rules));
  }

  /** Forwards an exchange. @param target path and query for the service @param refuse called with an error to respond with */
  forward(
    exchange: Exchange,
    forwardOptions: ForwardOptions,
    target: string,
    refuse: (error?: unknown) => void,
  ): void {
    try {
      const picker = pickerFor(this, exchange, forwardOptions.affinity);
      const attempts = this.createAttempts(performance.now(), exchange, picker);
      new Forward(exchange, forwardOptions, attempts, target, refuse).start();
    } catch (error) {
      this.refuse(exchange, error, refuse);
    }
  }

  /** Responds to a failure before the first attempt, unless a listener of the upstream does. */
  refuse(exchange: Exchange, error: unknown, refuse: (error: unknown) => void): void {
    const isHandled = error instanceof ProxyException && this.listeners?.onError(exchange, error);
    if (!isHandled) refuse(error);
  }

  /**
   * The attempts of one request. The caller must call `end` on them.
   * @param exchange undefined if a WebSocket is resumed @param picker of their instances. Default: this upstream, by load
   * @throws CircuitOpenException if the circuit breaker lets no request pass
   */
  createAttempts(now: number, exchange: Exchange | undefined, picker: InstancePicker = this): Attempts {
    const { breaker } = this;
    const generation = breaker.tryAcquire(now);
    if (generation === undefined) throw new CircuitOpenException(this.name, breaker.retryAfterSeconds(now));
    this.retryBudget.addRequest(now);
    return new Attempts(this, picker, exchange, generation);
  }

  /**
   * The instance for the next attempt; undefined if every instance with room was tried.
   * @throws UpstreamUnavailableException if there is no instance, UpstreamQueueFullException if no instance has room
   */
  pick(tried: readonly Instance[], now: number, exchange?: Exchange): Instance | undefined {
    const instance = this.instances.pick(tried, now, exchange);
    if (instance || tried.length > 0) return instance;
    if (this.instances.all.length > 0) throw new UpstreamQueueFullException(this.name);
    this.addresses.refreshSoon();
    throw new UpstreamUnavailableException(this.name, new Error('no instance'));
  }

  /** Counts a failed attempt against its instance. Resolves names again if the instance cannot be reached. */
  failed(instance: Instance, kind: FailureKind, now: number): void {
    instance.health.failed(kind, now);
    if (kind === 'connect') this.addresses.refreshSoon();
  }

  /** Ends all connections to the service. */
  destroy(): void {
    this.checks.stop();
    this.addresses.stop();
    this.tls.stop();
    this.instances.destroy();
  }

  private forwardOptionsFor(route: Partial<RouteOptions>, headerRules?: CompiledHeaderRules): ForwardOptions {
    const { options } = this;
    return {
      upstream: this.name,
      ticker: this.ticker,
      streamedBodyLimit: this.streamedBodyLimit,
      slowReaderLimit: this.slowReaderLimit,
      showsAttempts: options.retries.showsAttempts,
      retriesKeyed: route.retriesKeyed ?? false,
      isStream: route.stream ?? false,
      events: eventStreamOptionsFor(route),
      passesExpect: route.expectContinue === 'upstream',
      sendsForwarded: options.sendsForwarded,
      headerRules,
      host: this.headers.host,
      listeners: this.listeners?.hasAny ? this.listeners : undefined,
      observers: options.gates.filter((gate) => 'onResponse' in gate),
      affinity: Affinity.of(route, this.declaration, this.instances, options.affinitySecret),
      limits: limitsFor(route, options),
    };
  }

  private readTls(urls: readonly URL[], onChange: (error?: Error) => void): UpstreamTls {
    const { name, options } = this;
    const tls = options.tls.get(settingNameOf(name));
    if (tls && urls.every(({ protocol }) => protocol !== 'https:')) {
      throw new UpstreamConfigurationError(`${name} has TLS settings, and no https:// instance`);
    }
    try {
      return new UpstreamTls(tls ?? {}, options.tlsPollMs, onChange);
    } catch (error) {
      if (!(error instanceof TlsFilesError)) throw error;
      throw new UpstreamConfigurationError(`${name} cannot use its TLS files: ${error.message}`);
    }
  }
}
