import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { LRUCache } from 'lru-cache';
import { AUTH_OPTIONS, type AuthOptions } from './auth.options.js';
import { AuthenticationException } from './authentication.exception.js';
import type { Principal } from './principal.js';

/** A refresh token has an empty role and no `jti`; it passes every other check, and must fail here. */
interface Claims {
  readonly user_id?: unknown;
  readonly email?: unknown;
  readonly username?: unknown;
  readonly role?: unknown;
  readonly aud?: unknown;
  readonly iss?: unknown;
  readonly jti?: unknown;
  readonly exp?: unknown;
}

/**
 * Tells whose access token this is: HS256 by the shared secret, unexpired, already valid, for this audience and
 * from this issuer, with a `jti` to revoke it by. A token that was verified once is looked up until it expires.
 */
@Injectable()
export class AccessTokenVerifier {
  private readonly verified: LRUCache<string, Principal>;

  constructor(
    private readonly jwt: JwtService,
    @Inject(AUTH_OPTIONS) private readonly options: AuthOptions,
  ) {
    this.verified = new LRUCache({ max: options.cachedTokens });
  }

  /** @throws AuthenticationException */
  verify(token: string): Principal {
    const known = this.verified.get(token);
    if (known) {
      if (known.expiresAt * 1000 > Date.now()) return known;
      this.verified.delete(token);
      throw new AuthenticationException('expired');
    }
    const principal = this.principalFrom(this.claimsOf(token));
    this.verified.set(token, principal);
    return principal;
  }

  /** Checks signature, algorithm, `exp` and `nbf`. */
  private claimsOf(token: string): Claims {
    try {
      return this.jwt.verify<Claims>(token);
    } catch (error) {
      const expired = (error as Error).name === 'TokenExpiredError';
      throw new AuthenticationException(expired ? 'expired' : 'invalid_token', error);
    }
  }

  private principalFrom(claims: Claims): Principal {
    const { user_id, jti, exp, role, aud, iss } = claims;
    const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
    if (!audiences.includes(this.options.audience)) throw new AuthenticationException('invalid_audience');
    if (
      iss !== this.options.issuer ||
      typeof exp !== 'number' ||
      !isFilled(jti) ||
      !isFilled(user_id) ||
      !isFilled(role)
    ) {
      throw new AuthenticationException('invalid_token');
    }
    return Object.freeze({
      userId: user_id,
      email: isFilled(claims.email) ? claims.email : '',
      username: isFilled(claims.username) ? claims.username : '',
      role,
      tokenId: jti,
      expiresAt: exp,
    });
  }
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
