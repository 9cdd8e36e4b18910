import { ConfigurableModuleBuilder } from '@nestjs/common';
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

export interface AuthOptions extends TokenOptions {
  /** Most revoked tokens and sessions in memory, together; about 150 bytes each. Past it each request asks Redis. */
  readonly revokedTokens: number;
  /** The Redis with the revocations. */
  readonly redis: RevocationRedis;
  /** Milliseconds that a request waits for a lookup in a team's `RevocationSource`. */
  readonly lookupTimeoutMs: number;
}

export const { ConfigurableModuleClass: ConfigurableAuthModule, MODULE_OPTIONS_TOKEN: AUTH_OPTIONS } =
  new ConfigurableModuleBuilder<AuthOptions>().setClassMethodName('forRoot').build();
