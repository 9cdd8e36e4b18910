export * from './http/exceptions.js';
export { Exchange, exchangeOf } from './http/exchange.js';
export type { Principal } from './http/principal.js';
export type { RateLimit, Route } from './routing/route.js';
export type { Gate } from './http/gate.js';
export { encodeHeaderValue, type HeaderChanges } from './http/header-changes.js';
export { LoadBalancer, type BalancerCandidate } from './balancing/load-balancer.js';
export { ProxyMiddleware } from './proxy.middleware.js';
export { getProxyToken, InjectProxy } from './inject-proxy.decorator.js';
export type { ProxyHandlerOptions } from './proxy-handler.js';
export { ProxyModule } from './proxy.module.js';
export type { ProxyOptions } from './proxy.options.js';
export { type HttpMethod } from './routing/methods.js';
export type { EventStreamPolicy } from './routing/event-stream-policy.js';
export type { AffinityOptions } from './routing/affinity-options.js';
export type { HeaderRuleOptions, HeaderRules, HeaderSource, HeaderValue } from './routing/header-rules.js';
export { ConfigurationError } from './routing/configuration.error.js';
export type {
  AllowedInPath,
  ControllerRouteOptions,
  RouteOptions,
  RouteLimit,
} from './routing/route-options.js';
export type { WebSocketCompression, WebSocketPolicy } from './routing/websocket-policy.js';
export { type TrustOptions } from './http/trusted-proxies.js';
export { type TlsOptions } from './transport/tls-files.js';
export { Upstream, type CorsOptions, type UpstreamOptions } from './upstream.js';
