import type { IncomingMessage } from 'node:http';
import type { Exchange } from '@app/proxy';
import { Injectable } from '@nestjs/common';
import { AccessTokenVerifier } from './access-token.verifier.js';
import { AuthenticationException } from './authentication.exception.js';
import { setPrincipal, type Principal } from './principal.js';
import { RevocationStore } from './revocation.store.js';

/** RFC 6750, section 2.1; the scheme's name is case-insensitive (RFC 9110, section 11.1). */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/** Authenticates a request by its bearer token, by the same rules for the gateway's gate and for `AuthGuard`. */
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
    const principal = this.principalFor(exchange.request);
    if (principal instanceof Promise) return principal.then((known) => void (exchange.principal = known));
    exchange.principal = principal;
  }

  /**
   * As `authenticate`, for the request of any Nest application; `principalOf` reads the principal.
   * @throws AuthenticationException
   */
  authenticateRequest(request: IncomingMessage): void | Promise<void> {
    const principal = this.principalFor(request);
    if (principal instanceof Promise) return principal.then((known) => setPrincipal(request, known));
    setPrincipal(request, principal);
  }

  private principalFor({ headers: { authorization } }: IncomingMessage): Principal | Promise<Principal> {
    if (authorization === undefined) throw new AuthenticationException('missing_header');
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) throw new AuthenticationException('invalid_format');
    return this.verify(token);
  }

  /** Whether a principal's token has expired since it was verified. */
  isExpired(principal: Principal): boolean {
    return this.verifier.isExpired(principal);
  }

  /** The principal of an access token. @throws AuthenticationException */
  verify(token: string): Principal | Promise<Principal> {
    const principal = this.verifier.verify(token);
    // Otherwise the clock tolerance would accept a revoked token.
    const hasEnded = principal.expiresAt * 1000 <= Date.now();
    if (hasEnded && !this.revocations.canCheckExpired(principal))
      throw new AuthenticationException('expired');
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
