export { errorResponderKit } from './error-responder.kit.js';
export type { KitCase } from './kit-case.js';
export { loadBalancerKit } from './load-balancer.kit.js';
export { rateLimitStoreKit } from './rate-limit-store.kit.js';
export { revocationSourceKit, type RevocationSourceHarness } from './revocation-source.kit.js';
