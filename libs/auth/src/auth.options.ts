import { ConfigurableModuleBuilder } from '@nestjs/common';
import { resolveOptions, type Provided } from '@app/proxy/internal';
import type { RevocationRedis } from './revocation.redis.js';

/** The claims of a token that say who it speaks for. */
export interface ClaimNames {
  /** Required. */
  readonly userId: string;
  /** Required: the token is revoked by it. */
  readonly tokenId: string;
  /** All tokens of a session are revoked by it. */
  readonly sessionId: string;
  /** Required, if it is named. */
  readonly role: string | undefined;
  readonly email: string;
  readonly username: string;
}

/** How access tokens are verified. */
export interface TokenOptions {
  /** The HMAC key of the access tokens, at least 32 characters. */
  readonly secret: string;
  /** The `aud` that a token must have. If undefined, any audience is accepted. */
  readonly audience: string | undefined;
  /** The `iss` that a token must have. If undefined, any issuer is accepted. */
  readonly issuer: string | undefined;
  readonly claims: ClaimNames;
  /**
   * Seconds by which the clock of the token's issuer may differ from this machine's: for `nbf`, `iat` and `exp` alike. At
   * most 300. An expired token is accepted only if its revocation would still be known.
   */
  readonly clockToleranceSeconds: number;
  /** Most verified tokens in the cache; about 1 KB each. A full cache takes a token at its second request. */
  readonly cachedTokens: number;
}

/** All options of `AuthModule`; `AUTH_DEFAULTS` has what a team does not give. */
export interface ResolvedAuthOptions extends TokenOptions {
  /** Most revoked tokens and sessions in memory, together; about 150 bytes each. Past it each request asks Redis. */
  readonly revokedTokens: number;
  /** The Redis with the revocations. Default: none, so that a revocation holds for the process that it was made in. */
  readonly redis: RevocationRedis | undefined;
  /** Milliseconds that a request waits for a lookup in a team's `RevocationSource`. */
  readonly lookupTimeoutMs: number;
}

/**
 * What a team gives to `AuthModule.forRoot`. Required is the secret alone; the defaults of the others are those of the gateway's
 * settings.
 */
export interface AuthOptions extends Provided<Omit<ResolvedAuthOptions, 'secret' | 'redis'>> {
  /** The HMAC key of the access tokens, at least 32 characters. */
  readonly secret: string;
  /** The Redis with the revocations. Default: none, so that a revocation holds for the process that it was made in. */
  readonly redis?: RevocationRedis;
}

/** The options that a team does not give. The settings of the gateway have the same defaults. */
export const AUTH_DEFAULTS: Omit<ResolvedAuthOptions, 'secret' | 'redis'> = {
  audience: undefined,
  issuer: undefined,
  claims: {
    userId: 'sub',
    tokenId: 'jti',
    sessionId: 'sid',
    role: undefined,
    email: 'email',
    username: 'preferred_username',
  },
  clockToleranceSeconds: 5,
  cachedTokens: 10_000,
  revokedTokens: 250_000,
  lookupTimeoutMs: 30,
};

/** The token of `ResolvedAuthOptions`. */
export const AUTH_OPTIONS = Symbol('AUTH_OPTIONS');

export const { ConfigurableModuleClass: ConfigurableAuthModule, MODULE_OPTIONS_TOKEN: GIVEN_AUTH_OPTIONS } =
  new ConfigurableModuleBuilder<AuthOptions>({ moduleName: 'Auth' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createAuthOptions')
    .build();

/** Options of `AuthModule` are missing or invalid. */
export class AuthConfigurationError extends Error {
  override readonly name = 'AuthConfigurationError';
}

/** Fewest characters of a secret: 256 bits, the size of the hash (RFC 7518, section 3.2). */
const LEAST_SECRET = 32;

/** @throws AuthConfigurationError with all faults */
export function resolveAuthOptions({ secret, redis, ...given }: AuthOptions): ResolvedAuthOptions {
  const faults: string[] = [];
  const options = resolveOptions(AUTH_DEFAULTS, given, (fault) => faults.push(fault));
  if (typeof secret !== 'string' || secret.length < LEAST_SECRET)
    faults.push(`secret takes at least ${LEAST_SECRET} characters`);
  if (faults.length > 0) throw new AuthConfigurationError(`AuthModule: ${faults.join('; ')}`);
  return { ...options, secret, redis };
}
