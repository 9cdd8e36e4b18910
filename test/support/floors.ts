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
  ['libs/gateway/src/observability', 'libs/gateway/src/cors', 'libs/gateway/src/health'],
  ['libs/gateway/src/errors'],
  ['libs/gateway/src/limits', 'libs/gateway/src/overload'],
  ['libs/gateway/src/redis'],
  ['libs/gateway/src/gates'],
  ['libs/gateway/src/websocket/relay'],
  ['libs/gateway/src/websocket/handshake'],
  ['libs/gateway/src/websocket'],
  ['libs/gateway/src/lifecycle'],
  ['libs/gateway/src/openapi'],
  ['libs/gateway/src'],
  ['libs/testing/src/kits'],
  ['libs/testing/src'],
  ['apps/gateway/src/upstreams'],
  ['apps/gateway/src'],
];
