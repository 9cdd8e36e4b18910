import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { providerOf } from './application-providers.js';
import { PROXY_OPTIONS, type ResolvedProxyOptions } from './proxy.options.js';
import type { RequestHandler } from 'http-proxy-middleware';
import { GuardedBalancer } from './balancing/guarded.balancer.js';
import { LoadBalancer } from './balancing/load-balancer.js';
import type { Gate } from './http/gate.js';
import { partInUse } from './http/replaceable-part.js';
import { attemptAll } from './attempt-all.js';
import { createMountedForward } from './mounted-forward.js';
import { createAbsentHandler, createProxyHandler } from './proxy-handler.js';
import { ProxyFeature } from './proxy-feature.js';
import { compilePath } from './routing/path-pattern.js';
import { checkCookies } from './routing/checked-affinity.js';
import { checkCrossOrigin, preflightOptionsOf } from './routing/cross-origin.js';
import type { ControllerRouteOptions, RouteOptions } from './routing/route-options.js';
import type { Route } from './routing/route.js';
import { RouteTable, type RoutesOfPath } from './routing/route-table.js';
import { RouteConfigurationError } from './routing/upstream-route.js';
import { Ticker } from './http/ticker.js';
import { UpstreamMetadata, type UpstreamOptions } from './upstream.js';
import { addressesOf } from './upstream-addresses.js';
import { UpstreamConfigurationError } from './upstream-configuration.error.js';
import type { UpstreamEvents } from './upstream-events.js';
import { isUpstreamName, NAME_RULE, settingNameOf } from './upstream-name.js';
import { UpstreamProxy, type ProxyRoute } from './upstream-proxy.js';

/** A route of a controller. */
export interface ControllerRoute extends Route {
  readonly upstream: undefined;
  readonly proxy: undefined;
  readonly gates: readonly Gate[];
  readonly summary: string;
}

/** A route of an upstream or of a controller. */
export type CompiledRoute = ProxyRoute | ControllerRoute;

/**
 * Finds every `@Upstream()` of the application at boot, a team's as well as the gateway's own, and keeps one proxy for each.
 */
@Injectable()
export class UpstreamRegistry implements OnModuleInit, OnApplicationShutdown {
  readonly upstreams: UpstreamProxy[] = [];
  /** The optional upstreams that the application goes without. */
  readonly absent: UpstreamOptions[] = [];
  /** Gates of every exchange, in this order. */
  gates: readonly Gate[] = [];
  private readonly handlers = new Map<string, RequestHandler>();
  private readonly logger = new Logger('Upstream');
  private readonly table = new RouteTable<CompiledRoute>();
  private readonly ticker: Ticker;
  /** Of upstreams without their own. */
  private loadBalancer: LoadBalancer;
  /** Logs each change of an upstream. */
  private readonly events: UpstreamEvents = {
    instanceChanged: (upstream, { origin, state, failureKind }) => {
      const line = { message: `instance ${state}`, upstream, instance: origin, reason: failureKind };
      if (state === 'up') this.logger.log(line);
      else this.logger.warn(line);
    },
    circuitChanged: (upstream, state) => {
      const line = { message: `circuit ${state}`, upstream };
      if (state === 'open') this.logger.warn(line);
      else this.logger.log(line);
    },
    tlsChanged: (upstream, error) => {
      if (error) this.logger.error({ message: 'TLS files unusable', upstream, reason: error.message });
      else this.logger.log({ message: 'new TLS files in use', upstream });
    },
  };

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
    @Inject(PROXY_OPTIONS) private readonly options: ResolvedProxyOptions,
    private readonly builtIn: LoadBalancer,
  ) {
    this.loadBalancer = builtIn;
    this.ticker = new Ticker(options.clockTickMs);
  }

  /** @throws RouteTableConfigurationError, UpstreamConfigurationError, PartConfigurationError */
  async onModuleInit(): Promise<void> {
    this.load();
    await Promise.all(this.upstreams.map((upstream) => upstream.start()));
  }

  /**
   * Compiles all upstreams and routes, without a connection.
   * @throws RouteTableConfigurationError, UpstreamConfigurationError; if there are several faults, with a line for each
   */
  load(): void {
    this.loadBalancer = this.guarded(partInUse(this.discovery, LoadBalancer, this.builtIn, ['pick']));
    this.gates = this.findGates();
    for (const route of this.options.controllerRoutes) this.table.add(this.compile(route));
    const upstreams = this.discovery
      .getProviders({ metadataKey: UpstreamMetadata.KEY })
      .map((wrapper) => this.discovery.getMetadataByDecorator(UpstreamMetadata, wrapper)!);
    attemptAll(upstreams.map((declaration) => () => this.add(declaration)));
    this.table.checkReachable();
    this.checkTlsNames();
    this.checkFeatures();
    this.checkAffinities();
  }

  private findGates(): Gate[] {
    const { gates, applicationGates } = this.options;
    const find = (type: Type<Gate>): Gate => providerOf(this.moduleRef, type, 'the application: the gate');
    return [...gates, ...applicationGates.map(find)];
  }

  private add(declaration: UpstreamOptions): void {
    const { name, gates = [], routes } = declaration;
    if (!isUpstreamName(name)) {
      throw new UpstreamConfigurationError(`${NAME_RULE}: ${name}`);
    }
    const namesake = this.upstreams.find((upstream) => settingNameOf(upstream.name) === settingNameOf(name));
    if (namesake)
      throw new UpstreamConfigurationError(`Two upstreams have one name: ${namesake.name} and ${name}`);
    if (declaration.isOptional && addressesOf(declaration, this.options).length === 0) {
      this.absent.push(declaration);
      this.handlers.set(name, createAbsentHandler());
      return;
    }
    const own = gates.map((gate) => providerOf(this.moduleRef, gate, `${name}: the gate`));
    const options = {
      ...this.options,
      gates: [...this.gates, ...own],
      loadBalancer: this.balancerFor(declaration),
    };
    const upstream = new UpstreamProxy(declaration, options, this.ticker, this.events);
    const forward = createMountedForward(upstream, (other) =>
      this.upstreams.find((each) => each.name === other),
    );
    const { handle, listeners } = createProxyHandler(name, declaration.proxy ?? {}, forward);
    upstream.listeners = listeners;
    this.handlers.set(name, handle);
    this.upstreams.push(upstream);
    attemptAll(routes.map((route) => () => this.table.add(this.compileFor(upstream, route))));
  }

  private balancerFor({ name, loadBalancer }: UpstreamOptions): LoadBalancer {
    if (!loadBalancer) return this.loadBalancer;
    return this.guarded(providerOf(this.moduleRef, loadBalancer, `${name}: the load balancer`));
  }

  private guarded(balancer: LoadBalancer): LoadBalancer {
    return balancer === this.builtIn ? balancer : new GuardedBalancer(balancer, this.builtIn);
  }

  private compileFor(upstream: UpstreamProxy, options: RouteOptions): ProxyRoute {
    checkCrossOrigin({ options, upstream: upstream.name });
    const route = upstream.compile(options);
    if (options.auth !== 'none' && !route.gates.some(({ authenticates }) => authenticates)) {
      throw new RouteConfigurationError(
        `${upstream.name}: ${options.path} demands a token, and no gate checks it: give the route auth: 'none', or the proxy a gate with authenticates`,
      );
    }
    const preflight = preflightOptionsOf(options);
    // A preflight has no token and none of the page's headers, which gates of a team may demand.
    if (preflight) {
      const compiled: ProxyRoute = { ...upstream.compile(preflight), gates: this.options.gates };
      route.preflight = compiled;
    }
    return route;
  }

  private compile({ summary, isMonitoring = false, ...options }: ControllerRouteOptions): ControllerRoute {
    const { gates } = this;
    const declared = {
      options,
      upstream: undefined,
      acceptedHeaders: undefined,
      isMonitoring,
      limit: undefined,
    };
    return { ...declared, ...compilePath(declared), proxy: undefined, gates, summary };
  }

  private checkTlsNames(): void {
    for (const name of this.options.tls.keys()) {
      const absent = this.absent.find((upstream) => settingNameOf(upstream.name) === name);
      if (absent) throw new UpstreamConfigurationError(`${absent.name} has TLS settings, and no instance`);
      if (!this.upstreams.some((upstream) => settingNameOf(upstream.name) === name))
        throw new UpstreamConfigurationError(
          `There are TLS settings for ${name}, and no upstream has that name`,
        );
    }
  }

  /** @throws UpstreamConfigurationError if a module asks for the proxy of an upstream that nobody declares */
  private checkFeatures(): void {
    for (const { instance } of this.discovery.getProviders() as { instance: unknown }[]) {
      if (!(instance instanceof ProxyFeature)) continue;
      for (const name of instance.upstreams) {
        if (!this.handlers.has(name))
          throw new UpstreamConfigurationError(
            `ProxyModule.forFeature() names ${name}, and no upstream has that name`,
          );
      }
    }
  }

  private checkAffinities(): void {
    const options = [
      ...this.upstreams.map(({ mountedOptions }) => mountedOptions),
      ...this.routes.flatMap((route) => (route.proxy ? route.forwardOptions : [])),
    ];
    checkCookies(options.flatMap(({ affinity }) => affinity?.options ?? []));
  }

  /** The routes of a raw path; undefined if no route has the path. */
  find(path: string): RoutesOfPath<CompiledRoute> | undefined {
    return this.table.find(path);
  }

  /** The routes of a raw path for a server that does not decode it; undefined if no route has the path. */
  findUndecoded(path: string): RoutesOfPath<CompiledRoute> | undefined {
    return this.table.findUndecoded(path);
  }

  /** The routes of a raw path for a service that decodes reserved characters; undefined if they are those of `find`. */
  findDecoded(path: string): RoutesOfPath<CompiledRoute> | undefined {
    return this.table.findDecoded(path);
  }

  /** The `http-proxy-middleware` of an upstream that `forFeature` names. */
  handlerOf(name: string): RequestHandler {
    return this.handlers.get(name)!;
  }

  /** Every route, of upstreams and of controllers. */
  get routes(): readonly CompiledRoute[] {
    return this.table.routes;
  }

  onApplicationShutdown(): void {
    this.ticker.stop();
    for (const upstream of this.upstreams) upstream.destroy();
  }
}
