import type { Exchange } from '@app/proxy';
import { Injectable } from '@nestjs/common';
import { AccessTokenVerifier } from './access-token.verifier.js';
import { AuthenticationException } from './authentication.exception.js';
import type { Principal } from './principal.js';
import { RevocationStore } from './revocation.store.js';

/** RFC 6750, section 2.1; the scheme's name has no case (RFC 9110, section 11.1). */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/** Authenticates a request by its bearer token, for the gateway's gate and for guards alike, so that both ask the same. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly revocations: RevocationStore,
  ) {}

  /**
   * Sets the principal of an exchange. Returns a promise only if the revocation store must ask Redis.
   * @throws AuthenticationException
   */
  authenticate(exchange: Exchange): void | Promise<void> {
    const { authorization } = exchange.request.headers;
    if (authorization === undefined) throw new AuthenticationException('missing_header');
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) throw new AuthenticationException('invalid_format');
    const principal = this.verify(token);
    if (principal instanceof Promise) return principal.then((known) => void (exchange.principal = known));
    exchange.principal = principal;
  }

  /** Whether a principal's token has expired since it was let in. */
  isExpired(principal: Principal): boolean {
    return this.verifier.isExpired(principal);
  }

  /** Whose access token this is, by the same rules. @throws AuthenticationException */
  verify(token: string): Principal | Promise<Principal> {
    const principal = this.verifier.verify(token);
    // The clock tolerance must not let a revoked token in.
    const hasEnded = principal.expiresAt * 1000 <= Date.now();
    if (hasEnded && !this.revocations.wouldKnowEnded(principal)) throw new AuthenticationException('expired');
    const revoked = this.revocations.isRevokedPrincipal(principal);
    return typeof revoked === 'boolean'
      ? checkRevoked(principal, revoked)
      : revoked.then((result) => checkRevoked(principal, result));
  }
}

function checkRevoked(principal: Principal, revoked: boolean): Principal {
  if (revoked) throw new AuthenticationException('revoked');
  return principal;
}
