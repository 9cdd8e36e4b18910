import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ConfigurableProxyModule, PROXY_OPTIONS } from './proxy.options.js';
import { UpstreamRegistry } from './upstream.registry.js';

/** Provides the registry of upstreams. The application mounts `ProxyMiddleware` itself. */
@Module({
  imports: [DiscoveryModule],
  providers: [UpstreamRegistry],
  exports: [UpstreamRegistry, PROXY_OPTIONS],
})
export class ProxyModule extends ConfigurableProxyModule {}
