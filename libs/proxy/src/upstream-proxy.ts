import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';
import type { Exchange } from './exchange.js';
import type { Gate } from './gate.js';
import type { ProxyOptions } from './proxy.options.js';
import { compilePath, type CompiledPath } from './routing/compiled-path.js';
import type { TableRow } from './routing/table-row.js';
import type { Route } from './routing/route.js';
import type { ExchangeClock } from './transport/exchange-clock.js';
import { Forward, forwardOf, type ForwardPlan } from './transport/forward.js';
import { Instance, isInstanceAddress } from './transport/instance.js';
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

/** `web()` must return a promise; the forward reports by itself, so one serves for all. */
const FORWARDING = Promise.resolve();

/**
 * The one proxy of an upstream, made at boot: an `http-proxy-middleware` whose transport is a forward over pooled
 * connections.
 */
export class UpstreamProxy {
  readonly name: string;
  readonly instances: readonly Instance[];
  readonly healthPath: string;
  private readonly middleware: RequestHandler;
  private turn = 0;

  /** @throws UpstreamError where an address is unusable or the gateway's own */
  constructor(
    readonly declaration: UpstreamOptions,
    private readonly gates: readonly Gate[],
    private readonly options: ProxyOptions,
    private readonly clock: ExchangeClock,
  ) {
    this.name = declaration.name;
    this.healthPath = declaration.healthPath ?? '/health';
    this.instances = this.addresses().map((address) => new Instance(address, options.connections));
    this.middleware = createProxyMiddleware({
      target: this.instances[0]!.origin,
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
    const { request, response } = exchange;
    new Forward(exchange, plan, target, refuse);
    return this.middleware(request, response, refuse);
  }

  /** Ends all connections to the service. */
  async destroy(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.destroy()));
  }

  private planFor(route: Route): ForwardPlan {
    const { options } = this;
    return {
      service: this.name,
      clock: this.clock,
      nextInstance: () => this.nextInstance(),
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

  /** The instance whose turn it is. */
  nextInstance(): Instance {
    this.turn = (this.turn + 1) % this.instances.length;
    return this.instances[this.turn]!;
  }

  private addresses(): string[] {
    const { declaration, options } = this;
    const addresses = options.addresses.get(this.name) ?? declaration.instances[options.network];
    if (addresses.length === 0) throw new UpstreamError(`${this.name} has no instance`);
    return addresses.map((address) => {
      if (!isInstanceAddress(address)) {
        throw new UpstreamError(`${this.name} has an instance that is not scheme://host:port: ${address}`);
      }
      const url = new URL(address);
      if (options.isOwnAddress(url)) {
        throw new UpstreamError(`${this.name} points at the gateway itself: ${url.origin}`);
      }
      return url.origin;
    });
  }
}
