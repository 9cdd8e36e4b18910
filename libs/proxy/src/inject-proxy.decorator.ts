import { Inject, type Provider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { RequestHandler } from 'http-proxy-middleware';
import { UpstreamRegistry } from './upstream.registry.js';

/** The token of the proxy of an upstream, as `overrideProvider` of Nest's testing module takes it. */
export function getProxyToken(upstream: string): string {
  return `PROXY(${upstream})`;
}

/**
 * Injects the proxy of an upstream, a `RequestHandler` of http-proxy-middleware, to be mounted
 * (`consumer.apply(proxy).forRoutes('/legacy')`) or called from a controller. The module imports
 * `ProxyModule.forFeature(NAME)`.
 */
export const InjectProxy = (upstream: string): ParameterDecorator & PropertyDecorator =>
  Inject(getProxyToken(upstream));

/** Provides the proxy of an upstream. Upstreams are found after providers are made, so it looks up the handler when called. */
export function proxyProvider(upstream: string): Provider {
  return {
    provide: getProxyToken(upstream),
    inject: [ModuleRef],
    useFactory: (moduleRef: ModuleRef): RequestHandler => {
      const handler = (): RequestHandler =>
        moduleRef.get(UpstreamRegistry, { strict: false }).handlerOf(upstream);
      const handle: RequestHandler = (request, response, next) => handler()(request, response, next);
      handle.upgrade = (request, socket, head) => handler().upgrade(request, socket, head);
      return handle;
    },
  };
}
