import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { AUTH_OPTIONS, type TokenOptions } from './auth.options.js';
import { AuthenticationException } from './authentication.exception.js';
import type { Principal } from './principal.js';
import { TokenPrincipal } from './token-principal.js';

/** The claims of an access token. A refresh token has an empty role and no `jti`, so it fails here. */
const AccessClaims = z.object({
  user_id: z.string().min(1),
  role: z.string().min(1),
  jti: z.string().min(1),
  sid: z.string().min(1).optional(),
  exp: z.number(),
  iat: z.number().optional(),
  iss: z.string(),
  email: z.string().catch(''),
  username: z.string().catch(''),
});

const HMAC_SHA256_BYTES = 32;

const VERIFIER_ERRORS: ReadonlySet<string> = new Set([
  'JsonWebTokenError',
  'NotBeforeError',
  'TokenExpiredError',
]);

/** The cause in the log if a signature is wrong. Shared by all such exceptions, without a stack trace. */
const NOT_SIGNED = new Error('invalid signature');
NOT_SIGNED.name = 'JsonWebTokenError';
NOT_SIGNED.stack = 'JsonWebTokenError: invalid signature';

/**
 * Verifies access tokens: HS256 with the shared secret, unexpired, already issued and valid, for this audience and from
 * this issuer, with a `jti` by which it can be revoked, without `crit` in its header. Verified tokens are cached until
 * they expire.
 */
@Injectable()
export class AccessTokenVerifier {
  private readonly verified: LRUCache<string, Principal>;
  private readonly key: KeyObject;

  constructor(
    private readonly jwt: JwtService,
    @Inject(AUTH_OPTIONS) private readonly options: TokenOptions,
  ) {
    this.key = createSecretKey(options.secret, 'utf8');
    // `max` would allocate the memory of all tokens at once.
    this.verified = new LRUCache({ maxSize: options.cachedTokens, sizeCalculation: () => 1 });
  }

  /** @throws AuthenticationException */
  verify(token: string): Principal {
    const known = this.verified.get(token);
    if (known) {
      if (!this.isExpired(known)) return known;
      this.verified.delete(token);
      throw new AuthenticationException('expired');
    }
    const principal = this.principalFrom(token, this.claimsOf(token));
    this.verified.set(token, principal);
    return principal;
  }

  /** Whether a verified token has expired since, with the clock tolerance. */
  isExpired({ expiresAt }: Principal): boolean {
    return (expiresAt + this.options.clockToleranceSeconds) * 1000 <= Date.now();
  }

  /** Checks signature, algorithm, `exp` and `nbf`. @throws AuthenticationException */
  private claimsOf(token: string): Record<string, unknown> {
    if (!this.isSigned(token)) throw new AuthenticationException('invalid_token', NOT_SIGNED);
    let claims: Record<string, unknown>;
    // No stack traces: strangers choose how many invalid tokens there are.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      claims = this.jwt.verify<Record<string, unknown>>(token);
    } catch (error) {
      const { name } = error as Error;
      // Any other error may quote the token, which must not get into a log.
      const cause = VERIFIER_ERRORS.has(name) ? error : new Error(name);
      throw new AuthenticationException(name === 'TokenExpiredError' ? 'expired' : 'invalid_token', cause);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    if ('crit' in headerOf(token)) throw new AuthenticationException('invalid_token');
    return claims;
  }

  /**
   * Whether the last part of the token is the HMAC of the parts before it. The library checks the same, but first decodes the
   * token, and then creates an error: 4 to 7 times the CPU time for each token that a stranger makes up.
   */
  private isSigned(token: string): boolean {
    const dot = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(dot + 1), 'base64url');
    if (dot < 0 || signature.length !== HMAC_SHA256_BYTES) return false;
    const expected = createHmac('sha256', this.key).update(token.slice(0, dot)).digest();
    return timingSafeEqual(signature, expected);
  }

  private principalFrom(token: string, claims: Record<string, unknown>): Principal {
    const { aud } = claims;
    const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
    if (!audiences.includes(this.options.audience)) throw new AuthenticationException('invalid_audience');
    const { data, error } = AccessClaims.safeParse(claims);
    if (!data || data.iss !== this.options.issuer || this.isIssuedLater(data.iat)) {
      throw new AuthenticationException('invalid_token', error);
    }
    return new TokenPrincipal(token, {
      userId: data.user_id,
      email: data.email,
      username: data.username,
      role: data.role,
      tokenId: data.jti,
      sessionId: data.sid,
      expiresAt: data.exp,
    });
  }

  private isIssuedLater(iat = 0): boolean {
    return (iat - this.options.clockToleranceSeconds) * 1000 > Date.now();
  }
}

/**
 * The header of a verified token. A recipient must refuse a token whose `crit` names an extension that it does not support
 * (RFC 7515, section 4.1.11). The verifier supports none, and its library ignores the field.
 */
function headerOf(token: string): object {
  return JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64').toString()) as object;
}
