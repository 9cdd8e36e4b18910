import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';
import {
  CircuitOpenException,
  UpstreamQueueFullException,
  UpstreamUnavailableException,
} from './exceptions.js';
import type { Exchange } from './exchange.js';
import type { Gate } from './gate.js';
import { DnsAddresses } from './instances/dns-addresses.js';
import { HealthChecks } from './instances/health-checks.js';
import type { InstanceFault } from './instances/instance-health.js';
import { isInstanceAddress, type Instance } from './instances/instance.js';
import { InstanceSet, type InstanceChange } from './instances/instance-set.js';
import type { ProxyOptions } from './proxy.options.js';
import { compilePath, type CompiledPath } from './routing/compiled-path.js';
import type { TableRow } from './routing/table-row.js';
import type { Route } from './routing/route.js';
import { CircuitBreaker, type BreakerState } from './transport/circuit-breaker.js';
import type { ExchangeClock } from './transport/exchange-clock.js';
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
}

/** `web()` must return a promise; the forward reports by itself, so one serves for all. */
const FORWARDING = Promise.resolve();

/**
 * The one proxy of an upstream, made at boot: an `http-proxy-middleware` whose transport is a forward over pooled
 * connections.
 */
export class UpstreamProxy {
  readonly name: string;
  readonly instances: InstanceSet;
  readonly breaker: CircuitBreaker;
  readonly retries: RetryBudget;
  readonly healthPath: string;
  private readonly middleware: RequestHandler;
  private readonly checks: HealthChecks;
  /** The origins behind each address: itself, or what a name stands for now. */
  private readonly origins = new Map<string, readonly string[]>();
  private readonly names: readonly DnsAddresses[];

  /** @throws UpstreamError where an address is unusable or the gateway's own */
  constructor(
    readonly declaration: UpstreamOptions,
    private readonly gates: readonly Gate[],
    private readonly options: ProxyOptions,
    private readonly clock: ExchangeClock,
    events: UpstreamEvents,
  ) {
    const name = (this.name = declaration.name);
    this.healthPath = declaration.healthPath ?? '/health';
    this.breaker = new CircuitBreaker(options.breakerOpenMs, (state) => events.breakerChanged(name, state));
    this.retries = new RetryBudget(options.retries.share);
    this.instances = new InstanceSet(options.connections, options.health, (change) =>
      events.instanceChanged(name, change),
    );
    const addresses = this.addresses();
    for (const { origin, protocol } of addresses) {
      if (protocol !== 'dns:') this.origins.set(origin, [origin]);
    }
    this.names = addresses.filter(({ protocol }) => protocol === 'dns:').map((url) => this.resolve(url));
    this.setOrigins();
    this.checks = new HealthChecks(this.instances, this.healthPath, options.checks);
    clock.add(this.instances);
    this.middleware = createProxyMiddleware({
      // Never asked: the plugin takes every request to an instance.
      target: `http://${name}`,
      ejectPlugins: true,
      plugins: [
        (server) => {
          server.web = (_request, response) => {
            forwardOf(response).start();
            return FORWARDING;
          };
        },
      ],
    });
  }

  /** Looks up the addresses that are names. */
  async start(): Promise<void> {
    await Promise.all(this.names.map((name) => name.start()));
  }

  /** Works out a row of this upstream. @throws RouteTableError */
  compile(route: Route): ProxyRow {
    const row = { route, upstream: this.name };
    return { ...row, ...compilePath(row), proxy: this, gates: this.gates, plan: this.planFor(route) };
  }

  /** Sends an exchange that passed its gates to the service, as `target`. `refuse` takes a failure to answer. */
  forward(
    exchange: Exchange,
    plan: ForwardPlan,
    target: string,
    refuse: (error?: unknown) => void,
  ): Promise<void> {
    const now = performance.now();
    if (!this.breaker.admits(now)) {
      refuse(new CircuitOpenException(this.name, this.breaker.retryAfterSeconds(now)));
      return FORWARDING;
    }
    this.retries.earn(now);
    new Forward(exchange, plan, target, refuse);
    return this.middleware(exchange.request, exchange.response, refuse);
  }

  /**
   * The instance for the next attempt; undefined where all with room were tried.
   * @throws UpstreamUnavailableException where there is none, UpstreamQueueFullException where none has room
   */
  pick(tried: readonly Instance[], now: number): Instance | undefined {
    const instance = this.instances.pick(tried, now);
    if (instance && !instance.isFull) return instance;
    const hasRoom = (other: Instance): boolean =>
      other.health.isUp && !other.isFull && !tried.includes(other);
    const other = this.instances.all.find(hasRoom);
    if (other || tried.length > 0) return other;
    if (instance) throw new UpstreamQueueFullException(this.name);
    this.lookUp();
    throw new UpstreamUnavailableException(this.name, new Error('no instance'));
  }

  /** Counts a failed attempt against its instance; one that cannot be reached may have another address now. */
  failed(instance: Instance, fault: InstanceFault, now: number): void {
    instance.health.failed(fault, now);
    if (fault === 'connect') this.lookUp();
  }

  /** Whatever is known of the addresses that are names may be old. */
  private lookUp(): void {
    for (const name of this.names) name.refreshSoon();
  }

  /** Ends all connections to the service. */
  async destroy(): Promise<void> {
    this.checks.stop();
    for (const name of this.names) name.stop();
    await this.instances.destroy();
  }

  private planFor(route: Route): ForwardPlan {
    const { options } = this;
    return {
      service: this.name,
      clock: this.clock,
      upstream: this,
      retries: options.retries,
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

  private resolve(url: URL): DnsAddresses {
    return new DnsAddresses(url, this.options.dns, (origins) => {
      this.origins.set(url.href, origins);
      this.setOrigins();
    });
  }

  private setOrigins(): void {
    const all = new Set([...this.origins.values()].flat());
    this.instances.setOrigins([...all], performance.now());
  }

  private addresses(): URL[] {
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
