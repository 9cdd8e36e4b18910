/** What the other libraries and the tests use beside the public door. No promise of stability; the package does not export it. */
export * from './index.js';
export { AUTH_DEFAULTS } from './auth.options.js';
export { RedisRevocationSource } from './redis-revocation.source.js';
export { moveToken, subprotocolsOf, trimWhitespace } from './handshake-token.js';
export type { RevocationKind } from './revocation-keys.js';
export type { RevocationRedis } from './revocation.redis.js';
export { REVOCATION_STATES, RevocationStore, type RevocationState } from './revocation.store.js';
