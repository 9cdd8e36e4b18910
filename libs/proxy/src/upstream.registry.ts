import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { PROXY_OPTIONS, type ProxyOptions } from './proxy.options.js';
import { RouteTable, type RoutesOfPath } from './routing/route-table.js';
import { Ticker } from './http/ticker.js';
import { UpstreamMetadata } from './upstream.js';
import type { UpstreamEvents } from './upstream-events.js';
import { UpstreamError, UpstreamProxy, type ProxyRoute } from './upstream-proxy.js';

/**
 * Finds every `@Upstream()` of the application at boot and keeps its one proxy, so that a team's upstream comes in
 * through the same door as the gateway's own.
 */
@Injectable()
export class UpstreamRegistry implements OnModuleInit, OnApplicationShutdown {
  readonly upstreams: UpstreamProxy[] = [];
  private readonly logger = new Logger('Upstream');
  private readonly table = new RouteTable<ProxyRoute>();
  private readonly ticker: Ticker;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
    @Inject(PROXY_OPTIONS) private readonly options: ProxyOptions,
  ) {
    this.ticker = new Ticker(options.clockTickMs);
  }

  /** @throws RouteTableError, UpstreamError */
  async onModuleInit(): Promise<void> {
    const events: UpstreamEvents = {
      instanceChanged: (upstream, { origin, state, fault }) => {
        const line = { message: `instance ${state}`, upstream, instance: origin, reason: fault };
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
    for (const wrapper of this.discovery.getProviders({ metadataKey: UpstreamMetadata.KEY })) {
      const declaration = this.discovery.getMetadataByDecorator(UpstreamMetadata, wrapper)!;
      if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*-service$/.test(declaration.name)) {
        throw new UpstreamError(
          `An upstream's name has lower case letters, digits and dashes and ends in -service: ${declaration.name}`,
        );
      }
      if (this.upstreams.some(({ name }) => name === declaration.name)) {
        throw new UpstreamError(`Two upstreams are called ${declaration.name}`);
      }
      const own = (declaration.gates ?? []).map((gate) => this.moduleRef.get(gate, { strict: false }));
      const upstream = new UpstreamProxy(
        declaration,
        [...this.options.gates, ...own],
        this.options,
        this.ticker,
        events,
      );
      this.upstreams.push(upstream);
      for (const route of declaration.routes) this.table.add(upstream.compile(route));
    }
    this.checkTlsNames();
    await Promise.all(this.upstreams.map((upstream) => upstream.start()));
  }

  private checkTlsNames(): void {
    for (const name of this.options.tls.keys()) {
      if (!this.upstreams.some((upstream) => upstream.name === name))
        throw new UpstreamError(`There are TLS settings for ${name}, and no upstream has that name`);
    }
  }

  /** The rows for a raw path; undefined where no upstream names it. */
  find(path: string): RoutesOfPath<ProxyRoute> | undefined {
    return this.table.find(path);
  }

  /** Every row of every upstream, for documents made from them. */
  get routes(): readonly ProxyRoute[] {
    return this.table.routes;
  }

  async onApplicationShutdown(): Promise<void> {
    this.ticker.stop();
    await Promise.all(this.upstreams.map((upstream) => upstream.destroy()));
  }
}
