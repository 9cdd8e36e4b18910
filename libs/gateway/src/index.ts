export { connectionOf, type ClientConnection, type ClientConnections } from './http/client-connection.js';
export { Drainable, DrainableMetadata, type DrainTarget } from './http/drainable.js';
export {
  type ErrorResponse,
  toErrorResponse,
  codeOf,
  GATEWAY_ERROR,
  INTERNAL_ERROR,
  OWN_RESPONSE_HEADERS,
  formatRawResponse,
} from './http/error-response.js';
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
export { GatewayHttpAdapter } from './http/gateway-http.adapter.js';
export { HttpModule } from './http/http.module.js';
export { IdleConnections } from './http/idle-connections.js';
export { discardBody, linger, lingerOn } from './http/lingering-close.js';
export { OpenExchanges } from './http/open-exchanges.js';
export type { CodecFault, MessageCodec } from './http/message-codec.js';
export { limitReadAhead, pendingResponseOf } from './http/node-internals.js';
export { expectsContinue, RequestGrammarMiddleware } from './http/request-grammar.middleware.js';
export type { Middleware } from './http/request-chain.js';
export { ERROR_RESPONDER, type Responder } from './http/responder.js';
export { isScrape } from './http/scrape.js';
export { UnroutedMiddleware } from './http/unrouted.middleware.js';
export { UpgradeResponse } from './http/upgrade-response.js';
export {
  createWebSocket,
  deferViolations,
  dropIncomplete,
  emitSynchronously,
  holdFrames,
  incompleteBytesOf,
  type ExtensionOffers,
  parseExtensions,
  releaseFrames,
} from './http/ws-internals.js';
export { SETTINGS, type Settings, type WebSocketSettings } from './settings/complete-settings.js';
export { configurationPage } from './settings/configuration-page.js';
export { ConfigurationError } from './settings/configuration.error.js';
export { corsFault } from './settings/cors-options.js';
export { helpText } from './settings/help-text.js';
export { loadSettings, loadWithValues } from './settings/load-settings.js';
export { misspeltVariables } from './settings/misspelt-variables.js';
export { entriesOf } from './settings/setting.js';
export { TABLE, type VariableValues } from './settings/settings.js';
export { SettingsModule } from './settings/settings.module.js';
export { settingsSchema } from './settings/settings-schema.js';
export { leastRequestTimeoutMs, warningsFor } from './settings/settings-warnings.js';
export { addressVariableFor, type TlsSetting, tlsVariableFor } from './settings/upstream-variables.js';
