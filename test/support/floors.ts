/**
 * The floors of the libraries and of the gateway, from the ground. A folder imports only itself and lower floors; folders in
 * one line are one floor, and do not know each other.
 */
export const FLOORS: readonly (readonly string[])[] = [
  ['libs/proxy/src/routing', 'libs/proxy/src/transport'],
  ['libs/proxy/src/http'],
  ['libs/proxy/src/headers', 'libs/proxy/src/balancing'],
  ['libs/proxy/src/attempts'],
  ['libs/proxy/src/forward'],
  ['libs/proxy/src'],
  ['libs/auth/src'],
  ['libs/gateway/src/settings'],
  ['libs/gateway/src/http'],
  ['libs/gateway/src'],
  ['apps/gateway/src/observability', 'apps/gateway/src/cors', 'apps/gateway/src/health'],
  ['apps/gateway/src/errors'],
  ['apps/gateway/src/redis', 'apps/gateway/src/overload'],
  ['apps/gateway/src/limits'],
  ['apps/gateway/src/gates'],
  ['apps/gateway/src/websocket/relay'],
  ['apps/gateway/src/websocket/handshake'],
  ['apps/gateway/src/websocket'],
  ['apps/gateway/src/lifecycle'],
  ['apps/gateway/src/openapi', 'apps/gateway/src/upstreams'],
  ['apps/gateway/src'],
];
