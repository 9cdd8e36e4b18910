export {
  Upstream,
  InjectProxy,
  LoadBalancer,
  PartConfigurationError,
  exchangeOf,
  type AffinityOptions,
  type BalancerCandidate,
  type CorsOptions,
  type Exchange,
  type Gate,
  type HeaderRules,
  type RouteOptions,
  type UpstreamOptions,
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
export type { GatewayOptions } from './gateway.options.js';
export type { GatewaySettings } from './settings/settings.js';
export { listen, ListenError } from './listen.js';
export { RateLimitStore, type RateLimitCount } from './limits/rate-limit.store.js';
export { GatewayHealthIndicator } from './health/gateway.health.js';
export { ReadinessCheck, type ReadinessIndicator } from './health/readiness-check.js';
export { GatewayThrottlerStorage, type GatewayThrottlerRecord } from './limits/throttler-storage.js';
export { ErrorResponder } from './errors/error.responder.js';
export { withGatewayRoutes } from './openapi/gateway-routes.js';
export type { OpenApiDocument } from './openapi/merge-documents.js';
export { runGateway, type RunGatewayOptions } from './run-gateway.js';
export { Drainable, type DrainTarget } from './http/drainable.js';
export { type ErrorResponse, toErrorResponse } from './http/error-response.js';
export {
  GatewayDrainingException,
  MethodNotImplementedException,
  OriginForbiddenException,
  OverloadedException,
  RateLimitedException,
  SessionEndedException,
  TooManyConnectionsException,
  WebSocketVersionException,
} from './http/exceptions.js';
export { ConfigurationError } from './settings/configuration.error.js';
