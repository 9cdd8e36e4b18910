export {
  toErrorResponse,
  codeOf,
  GATEWAY_ERROR,
  INTERNAL_ERROR,
  OWN_RESPONSE_HEADERS,
  formatRawResponse,
} from './http/error-response.js';
export {
  GatewayDrainingException,
  OriginForbiddenException,
  OverloadedException,
  RateLimitedException,
  SessionEndedException,
  TooManyConnectionsException,
  WebSocketVersionException,
} from './http/exceptions.js';
export { GatewayHttpAdapter } from './http/gateway-http.adapter.js';
export { HttpModule } from './http/http.module.js';
export { IdleConnections } from './http/idle-connections.js';
export { discardBody, linger, lingerOn } from './http/lingering-close.js';
export { OpenExchanges } from './http/open-exchanges.js';
export { limitReadAhead, pendingResponseOf } from './http/node-internals.js';
export { expectsContinue } from './http/request-grammar.js';
export { RequestGrammarMiddleware } from './http/request-grammar.middleware.js';
export { type Responder } from './http/responder.js';
export { isScrape, isScraper, markScraper } from './http/scrape.js';
export { UnroutedMiddleware } from './http/unrouted.middleware.js';
export { ConfigModule } from './settings/config.module.js';
export { leastDeadlineMs, warningsFor } from './settings/configuration-warnings.js';
export { ConfigurationError } from './settings/configuration.error.js';
export { corsFault } from './settings/cors-options.js';
export { type Environment, SECRETS, VARIABLES } from './settings/environment.schema.js';
export {
  type CorsConfig,
  GATEWAY_CONFIG,
  type GatewayConfig,
  type WebSocketConfig,
} from './settings/gateway-config.js';
export { loadConfig } from './settings/load-config.js';
export { readEnvironment } from './settings/read-environment.js';
export { addressVariableFor, type TlsSetting, tlsVariableFor } from './settings/upstream-variables.js';
