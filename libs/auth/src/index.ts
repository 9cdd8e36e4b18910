export { AuthGuard } from './auth.guard.js';
export { AuthModule } from './auth.module.js';
export { AuthenticationException, type AuthenticationFailure } from './authentication.exception.js';
export { Authenticator } from './authenticator.js';
export { CurrentPrincipal } from './current-principal.decorator.js';
export { principalOf, type Principal } from './principal.js';
export type { AuthOptions } from './auth.options.js';
export type { RevocationKind } from './revocation-keys.js';
export { RevocationSource, type Revocation, type RevocationWatcher } from './revocation.source.js';
