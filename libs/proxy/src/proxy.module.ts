import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { LeastRequestBalancer } from './balancing/least-request.balancer.js';
import { LoadBalancer } from './balancing/load-balancer.js';
import { proxyProvider } from './inject-proxy.decorator.js';
import { ConfigurableProxyModule, PROXY_OPTIONS } from './proxy.options.js';
import { UpstreamRegistry } from './upstream.registry.js';

/** The proxies that a module asks for. */
@Module({})
class ProxyFeatureModule {}

/** Provides the registry of upstreams. The application mounts `ProxyMiddleware` itself. */
@Module({
  imports: [DiscoveryModule],
  providers: [UpstreamRegistry, { provide: LoadBalancer, useClass: LeastRequestBalancer }],
  exports: [UpstreamRegistry, PROXY_OPTIONS],
})
export class ProxyModule extends ConfigurableProxyModule {
  /** Provides the proxies of upstreams for `@InjectProxy(NAME)`. */
  static forFeature(...upstreams: string[]): DynamicModule {
    const providers = upstreams.map(proxyProvider);
    return { module: ProxyFeatureModule, providers, exports: providers };
  }
}
