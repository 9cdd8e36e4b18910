import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { LeastRequestBalancer } from './balancing/least-request.balancer.js';
import { LoadBalancer } from './balancing/load-balancer.js';
import { proxyProvider } from './inject-proxy.decorator.js';
import { ProxyFeature } from './proxy-feature.js';
import { ConfigurableProxyModule, GIVEN_PROXY_OPTIONS, PROXY_OPTIONS } from './proxy.options.js';
import { resolveProxyOptions } from './resolve-proxy-options.js';
import { UpstreamRegistry } from './upstream.registry.js';

/** The proxies that a module asks for. */
@Module({})
class ProxyFeatureModule {}

/**
 * Finds the upstreams of an application and provides their proxies, without the gateway's server. The application is created
 * with `bodyParser: false`, since a body can be read once, and mounts `ProxyMiddleware`, for the routes of the upstreams, or the
 * proxies that `@InjectProxy` injects. A WebSocket needs the gateway.
 */
@Module({
  imports: [DiscoveryModule],
  providers: [
    UpstreamRegistry,
    { provide: LoadBalancer, useClass: LeastRequestBalancer },
    { provide: PROXY_OPTIONS, inject: [GIVEN_PROXY_OPTIONS], useFactory: resolveProxyOptions },
  ],
  exports: [UpstreamRegistry, PROXY_OPTIONS],
})
export class ProxyModule extends ConfigurableProxyModule {
  /** Provides the proxies of upstreams for `@InjectProxy(NAME)`. A name that no upstream has is an error at boot. */
  static forFeature(...upstreams: string[]): DynamicModule {
    const proxies = upstreams.map(proxyProvider);
    const feature = { provide: ProxyFeature, useValue: new ProxyFeature(upstreams) };
    return { module: ProxyFeatureModule, providers: [...proxies, feature], exports: proxies };
  }
}
