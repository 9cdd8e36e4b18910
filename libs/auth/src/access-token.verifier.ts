import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { AUTH_OPTIONS, type ClaimNames, type TokenOptions } from './auth.options.js';
import { AuthenticationException } from './authentication.exception.js';
import type { Principal } from './principal.js';
import { SeenTokens } from './seen-tokens.js';
import { TokenPrincipal } from './token-principal.js';

/** What the gateway needs of an access token. */
const AccessClaims = z.object({
  userId: z.string().min(1),
  role: z.string().min(1),
  tokenId: z.string().min(1),
  sessionId: z.string().min(1).optional(),
  exp: z.number(),
  iat: z.number().optional(),
  email: z.string().catch(''),
  username: z.string().catch(''),
});

/** Stands for the role of tokens that have none. */
const NO_ROLE = 'none';

/** Causes in the log, shared by all exceptions. */
const WRONG_ISSUER = withoutStack('the claim iss names another issuer');
const ISSUED_LATER = withoutStack('the claim iat is in the future');

const HMAC_SHA256_BYTES = 32;

interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Record<string, unknown>;
}

/** The cause in the log if a signature is wrong. Shared by all such exceptions, without a stack trace. */
const NOT_SIGNED = new Error('invalid signature');
NOT_SIGNED.name = 'JsonWebTokenError';
NOT_SIGNED.stack = 'JsonWebTokenError: invalid signature';

/**
 * Verifies access tokens: HS256 with the shared secret, unexpired, already issued and valid, for the audience and from
 * the issuer of the options, with an id by which it can be revoked, without `crit` in its header. Verified tokens are cached until
 * they expire.
 */
@Injectable()
export class AccessTokenVerifier {
  private readonly verified: LRUCache<string, Principal>;
  private readonly key: KeyObject;
  private readonly seenTokens: SeenTokens;

  constructor(
    private readonly jwt: JwtService,
    @Inject(AUTH_OPTIONS) private readonly options: TokenOptions,
  ) {
    this.key = createSecretKey(options.secret, 'utf8');
    this.seenTokens = new SeenTokens(options.cachedTokens);
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
    const hasRoom = this.verified.size < this.options.cachedTokens;
    if (hasRoom || this.seenTokens.add(token)) this.verified.set(token, principal);
    return principal;
  }

  /** Whether a verified token has expired since, with the clock tolerance. */
  isExpired({ expiresAt }: Pick<Principal, 'expiresAt'>): boolean {
    return (expiresAt + this.options.clockToleranceSeconds) * 1000 <= Date.now();
  }

  /** Checks signature, algorithm, `exp` and `nbf` (RFC 7519, section 4.1). @throws AuthenticationException */
  private claimsOf(token: string): Record<string, unknown> {
    if (!this.isSigned(token)) throw new AuthenticationException('invalid_token', NOT_SIGNED);
    const { header, payload } = this.decode(token);
    // A recipient must refuse extensions that it does not support (RFC 7515, section 4.1.11). This one supports none.
    if (header['alg'] !== 'HS256' || 'crit' in header) throw new AuthenticationException('invalid_token');
    const { exp, nbf } = payload;
    if (typeof exp !== 'number' || !(nbf === undefined || (typeof nbf === 'number' && !this.isLater(nbf))))
      throw new AuthenticationException('invalid_token');
    if (this.isExpired({ expiresAt: exp })) throw new AuthenticationException('expired');
    return payload;
  }

  /** Decodes a signed token. @throws AuthenticationException if it is no JWT */
  private decode(token: string): DecodedToken {
    try {
      const decoded = this.jwt.decode(token, { complete: true }) as unknown as DecodedToken | null;
      if (typeof decoded?.payload === 'object') return decoded;
    } catch {
      // Its error would quote the token.
    }
    throw new AuthenticationException('invalid_token');
  }

  /**
   * Whether the last part of the token is the HMAC of the parts before it. The library's `verify` decodes the token first, and
   * then creates an error: 4 to 7 times the CPU time for each token that a stranger makes up, and twice for every other.
   */
  private isSigned(token: string): boolean {
    const dot = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(dot + 1), 'base64url');
    if (dot < 0 || signature.length !== HMAC_SHA256_BYTES) return false;
    const expected = createHmac('sha256', this.key).update(token.slice(0, dot)).digest();
    return timingSafeEqual(signature, expected);
  }

  private principalFrom(token: string, claims: Record<string, unknown>): Principal {
    const { audience, issuer, claims: names } = this.options;
    const { aud, iss, exp, iat } = claims;
    const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
    if (audience !== undefined && !audiences.includes(audience))
      throw new AuthenticationException('invalid_audience');
    const { data, error } = AccessClaims.safeParse({
      userId: claims[names.userId],
      tokenId: claims[names.tokenId],
      sessionId: claims[names.sessionId],
      role: names.role === undefined ? NO_ROLE : claims[names.role],
      email: claims[names.email],
      username: claims[names.username],
      exp,
      iat,
    });
    if (!data) throw new AuthenticationException('invalid_token', claimError(error, names, claims));
    if (issuer !== undefined && iss !== issuer)
      throw new AuthenticationException('invalid_token', WRONG_ISSUER);
    if (this.isLater(data.iat ?? 0)) throw new AuthenticationException('invalid_token', ISSUED_LATER);
    return new TokenPrincipal(token, {
      userId: data.userId,
      email: data.email,
      username: data.username,
      role: names.role === undefined ? '' : data.role,
      tokenId: data.tokenId,
      sessionId: data.sessionId,
      expiresAt: data.exp,
    });
  }

  /** Whether a moment, in seconds since 1970, has not come yet, with the clock tolerance. */
  private isLater(seconds: number): boolean {
    return (seconds - this.options.clockToleranceSeconds) * 1000 > Date.now();
  }
}

function withoutStack(message: string): Error {
  const error = new Error(message);
  delete error.stack;
  return error;
}

/** Names the first claim that the gateway cannot use. Its value stays out of the log. */
function claimError({ issues }: z.ZodError, names: ClaimNames, claims: Record<string, unknown>): Error {
  const field = String(issues[0]!.path[0]);
  const claim = (names as unknown as Record<string, string | undefined>)[field] ?? field;
  return withoutStack(`the claim ${claim} is ${claims[claim] === undefined ? 'missing' : 'not of its type'}`);
}
