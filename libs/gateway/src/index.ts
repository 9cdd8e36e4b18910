export {
  ConfigurationError,
  encodeHeaderValue,
  exchangeOf,
  InjectProxy,
  LoadBalancer,
  ProxyException,
  ProxyModule,
  Upstream,
  type AffinityOptions,
  type AllowedInPath,
  type BalancerCandidate,
  type ControllerRouteOptions,
  type CorsOptions,
  type EventStreamPolicy,
  type Exchange,
  type Gate,
  type HeaderChanges,
  type HeaderRuleOptions,
  type HeaderRules,
  type HeaderSource,
  type HeaderValue,
  type HttpMethod,
  type ProxyHandlerOptions,
  type Route,
  type RouteLimit,
  type RouteOptions,
  type UpstreamOptions,
  type WebSocketCompression,
  type WebSocketPolicy,
} from '@app/proxy';
export {
  AuthGuard,
  CurrentPrincipal,
  principalOf,
  RevocationSource,
  type Principal,
  type Revocation,
  type RevocationKind,
  type RevocationWatcher,
} from '@app/auth';
export { createGateway, type CreateGatewayOptions, type RootModule } from './create-gateway.js';
export { GatewayModule } from './gateway.module.js';
export type { GatewayAsyncOptions, GatewayOptions, GatewayOptionsFactory } from './gateway.options.js';
export type { GatewaySettings } from './settings/settings.js';
export { listen, ListenError } from './listen.js';
export { RateLimitStore, type RateLimitCount } from './limits/rate-limit.store.js';
export { GatewayHealthIndicator } from './health/gateway.health.js';
export { ReadinessCheck, type ReadinessIndicator } from './health/readiness-check.js';
export { GatewayThrottlerStorage, type GatewayThrottlerRecord } from './redis/throttler-storage.js';
export { ErrorResponder } from './errors/error.responder.js';
export { withGatewayRoutes } from './openapi/gateway-routes.js';
export type { OpenApiDocument } from './openapi/merge-documents.js';
export { runGateway, type RunGatewayOptions } from './run-gateway.js';
export { Drainable, type DrainTarget } from './http/drainable.js';
export { type ErrorResponse, toErrorResponse } from './http/error-response.js';
