export * from './http/exceptions.js';
export { networkOf } from './http/client-network.js';
export { DenseSet, type DenseMember } from './http/dense-set.js';
export { encodeHeaderValue, type HeaderChanges } from './http/header-changes.js';
export { Exchange, exchangeOf, type Upgrade } from './http/exchange.js';
export type { Principal } from './http/principal.js';
export type { RateLimit, Route } from './routing/route.js';
export type { Gate } from './http/gate.js';
export { ProxyMiddleware } from './proxy.middleware.js';
export { InjectProxy } from './inject-proxy.decorator.js';
export { ProxyConfigurationError, type ProxyHandlerOptions } from './proxy-handler.js';
export { ProxyModule } from './proxy.module.js';
export type { ProxyOptions } from './proxy.options.js';
export { nominatedEndToEnd } from './headers/end-to-end.js';
export { createUpstreamHeaders, withField } from './headers/request-headers.js';
export { HeaderConfigurationError } from './headers/header-options.js';
export { FORWARDING as FORWARDING_NAMES } from './headers/trusted-names.js';
export { addedHeadersFor } from './headers/added-headers.js';
export { isCorsField, responseHeadersFor } from './headers/response-headers.js';
export { parameterPattern } from './routing/parameter-pattern.js';
export { pathOf } from './routing/path-rules.js';
export { isHttpMethod, isWebSocketOnly, methodsOf, type HttpMethod } from './routing/methods.js';
export type { EventStreamPolicy } from './routing/event-stream-policy.js';
export type { AffinityOptions } from './routing/affinity-options.js';
export type { HeaderRuleOptions, HeaderRules, HeaderSource, HeaderValue } from './routing/header-rules.js';
export { RouteConfigurationError, RouteTableError } from './routing/upstream-route.js';
export type {
  AllowedInPath,
  ControllerRouteOptions,
  RouteOptions,
  RouteLimit,
} from './routing/route-options.js';
export type { WebSocketCompression, WebSocketPolicy } from './routing/websocket-policy.js';
export { isAddressRange, TrustedProxies, type TrustOptions } from './http/trusted-proxies.js';
export { delay, nextTurn } from './http/delay.js';
export { randomFraction, randomId, randomNonce } from './http/random.js';
export { inRandomOrder } from './http/random-order.js';
export { ownProtocolOf } from './http/own-protocol.js';
export { CONNECTION_FIELDS, isToken } from './transport/field-names.js';
export { formatFields, formatUpgradeHead } from './transport/request-head.js';
export { HandshakeTimeoutError } from './transport/transport-errors.js';
export type { ResponseHead } from './transport/response-head.js';
export type { UpgradeCall, UpgradeListener } from './transport/upgrade-call.js';
export { Ticker, type Ticking } from './http/ticker.js';
export { exceptionFor } from './attempts/exception-for.js';
export { hasBody } from './forward/announced-body.js';
export { phraseFor } from './forward/client-head.js';
export type { MinimumRate } from './forward/forward-options.js';
export { failureKindOf, isUnavailable } from './attempts/failure-kind.js';
export { isInstanceAddress } from './balancing/instance-address.js';
export type { FailureKind } from './balancing/instance-health.js';
export { faultsOfTlsFiles, type TlsOptions } from './transport/tls-files.js';
export type { Instance } from './balancing/instance.js';
export { pickerFor } from './attempts/affinity-picker.js';
export type { Attempts, InstancePicker } from './attempts/attempts.js';
export { CIRCUIT_STATES, type CircuitState } from './attempts/circuit-breaker.js';
export { Upstream, UpstreamMetadata, type CorsOptions, type UpstreamOptions } from './upstream.js';
export { UpstreamError, type ProxyRoute, type UpstreamProxy } from './upstream-proxy.js';
export { UpstreamRegistry, type CompiledRoute } from './upstream.registry.js';
