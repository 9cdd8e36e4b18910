/** What the doctor, the command line and the tests use beside the public door. No promise of stability; the package does not export it. */
export * from './index.js';
export { SettingsConfigurationError } from './settings/configuration.error.js';
export { settingsOf } from './gateway.options.js';
export { gatewayOptionsOf } from './gateway-options-of.js';
export { upstreamsOf } from './upstreams-of.js';
export { InspectedGateway } from './inspect-gateway.js';
export type { DryRun, DryRunRequest } from './dry-run.js';
export { describeRow } from './settings/describe-row.js';
export { OWN_ROUTES } from './own-routes.js';
export { fitsMemory } from './overload/memory-share.js';
export { connectionOf, type ClientConnection, type ClientConnections } from './http/client-connection.js';
export { DrainableMetadata } from './http/drainable.js';
export {
  codeOf,
  GATEWAY_ERROR,
  INTERNAL_ERROR,
  OWN_RESPONSE_HEADERS,
  formatRawResponse,
} from './http/error-response.js';
export { GatewayHttpAdapter } from './http/gateway-http.adapter.js';
export { HttpModule } from './http/http.module.js';
export { IdleConnections } from './http/idle-connections.js';
export { discardBody, linger, lingerOn } from './http/lingering-close.js';
export { OpenExchanges } from './http/open-exchanges.js';
export type { CodecFault, MessageCodec } from './http/message-codec.js';
export { limitReadAhead, pendingResponseOf } from './http/node-internals.js';
export { expectsContinue, RequestGrammarMiddleware } from './http/request-grammar.middleware.js';
export type { Middleware } from './http/request-chain.js';
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
export { corsFault } from './settings/cors-options.js';
export { helpText } from './settings/help-text.js';
export { codeFor, loadSettings, loadWithValues, type CodeSettings } from './settings/load-settings.js';
export { mergeCode } from './settings/code-settings.js';
export { misspeltVariables } from './settings/misspelt-variables.js';
export { entriesOf } from './settings/setting.js';
export { TABLE, type VariableValues } from './settings/settings.js';
export { settingsSchema } from './settings/settings-schema.js';
export { leastRequestTimeoutMs, warningsFor } from './settings/settings-warnings.js';
export { processVariables, type Variables } from './settings/variables.js';
export { addressVariableFor, type TlsSetting, tlsVariableFor } from './settings/upstream-variables.js';
export { JsonErrorResponder } from './errors/error.responder.js';
