import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ConfigurableProxyModule, PROXY_OPTIONS } from './proxy.options.js';
import { UpstreamRegistry } from './upstream.registry.js';

/** Provides the registry of upstreams; the application mounts `ProxyMiddleware` where it wants it to run. */
@Module({
  imports: [DiscoveryModule],
  providers: [UpstreamRegistry],
  exports: [UpstreamRegistry, PROXY_OPTIONS],
})
export class ProxyModule extends ConfigurableProxyModule {}
