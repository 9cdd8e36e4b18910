import { isIP } from 'node:net';
import { AUTH_DEFAULTS } from '@app/auth/internal';
import { z } from 'zod';
import type { Family } from './setting.js';
import { count, flag, milliseconds, optionalText, requiredText, seconds, text } from './setting-types.js';

/** Host and optional port of a URL. */
const AUTHORITY = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

function isAuthority(given: string): boolean {
  return isIP(given) === 6 || (AUTHORITY.test(given) && URL.canParse(`redis://${given}`));
}

const CLAIM = 'the name of a claim';

/** Which tokens the gateway accepts. */
export const AUTH = {
  secret: requiredText({
    variable: 'JWT_SECRET',
    isSecret: true,
    schema: z.string().min(32),
    takes: 'at least 32 characters, here or in the file that JWT_SECRET_FILE names',
    meaning: 'The HMAC key of the access tokens. A holder of it can sign tokens as any user.',
  }),
  audience: optionalText({
    variable: 'JWT_AUDIENCE',
    takes: 'the aud of access tokens',
    meaning:
      'The `aud` that a token must have. Tokens for other audiences get 401; if it is not set, any audience is accepted.',
  }),
  issuer: optionalText({
    variable: 'JWT_ISSUER',
    takes: 'the iss of access tokens',
    meaning:
      'The `iss` that a token must have. Tokens of other issuers get 401; if it is not set, any issuer is accepted.',
  }),
  claims: {
    userId: text({
      default: AUTH_DEFAULTS.claims.userId,
      takes: CLAIM,
      meaning: 'The claim with the id of the user. A token without it gets 401.',
    }),
    tokenId: text({
      default: AUTH_DEFAULTS.claims.tokenId,
      takes: CLAIM,
      meaning: 'The claim with the id of the token, by which it is revoked. A token without it gets 401.',
    }),
    sessionId: text({
      default: AUTH_DEFAULTS.claims.sessionId,
      takes: CLAIM,
      meaning:
        'The claim with the session, by which all tokens of the session are revoked. A token may be without it.',
    }),
    role: optionalText({
      takes: CLAIM,
      meaning: 'The claim with the role of the user. If it is set, a token without it gets 401.',
    }),
    email: text({
      default: AUTH_DEFAULTS.claims.email,
      takes: CLAIM,
      meaning: 'The claim with the address of the user. It may be missing.',
    }),
    username: text({
      default: AUTH_DEFAULTS.claims.username,
      takes: CLAIM,
      meaning: 'The claim with the name that the user chose. It may be missing.',
    }),
  },
  clockToleranceSeconds: seconds({
    variable: 'JWT_CLOCK_TOLERANCE_SECONDS',
    default: AUTH_DEFAULTS.clockToleranceSeconds,
    most: 300,
    meaning:
      "The difference that the issuer's clock may have, for `nbf`, `iat` and `exp`, and for WebSockets that close at expiry. An expired token stays valid for this time.",
  }),
  cachedTokens: count({
    default: AUTH_DEFAULTS.cachedTokens,
    most: 1_000_000,
    meaning:
      'The most verified tokens in memory, about 1 KB each. Above it a token gets a place at its second request, and the one that was used least recently is verified again.',
  }),
  revokedTokens: count({
    default: AUTH_DEFAULTS.revokedTokens,
    most: 10_000_000,
    meaning:
      'The most revocations in memory, about 150 bytes each. Above it the gateway looks up each token in Redis.',
  }),
};

/** Redis counts the limits and has the revocations. */
export const REDIS = {
  url: optionalText({
    variable: 'REDIS_URL',
    defaultText: '`redis://127.0.0.1`, or the host of `REDIS_HOST`',
    isSecret: true,
    schema: z
      .string()
      .regex(/^rediss?:\/\//)
      .refine((given) => URL.canParse(given)),
    takes: 'redis://[user:password@]host[:port][/database], or rediss:// for TLS',
    meaning:
      'The address of Redis. Without Redis each gateway counts limits by itself and learns of no revocation.',
  }),
  host: optionalText({
    variable: 'REDIS_HOST',
    excludes: 'REDIS_URL',
    schema: z.string().refine(isAuthority),
    takes: 'host or host:port, if REDIS_URL is not set; an IPv6 address with a port is [::1]:6379',
    meaning:
      'The host of Redis, with or without a port. It replaces REDIS_URL if Redis has no user and no TLS.',
  }),
  password: optionalText({
    variable: 'REDIS_PASSWORD',
    excludes: 'REDIS_URL',
    isSecret: true,
    takes: 'a password, if REDIS_URL is not set',
    meaning:
      'The password of Redis, if REDIS_HOST names it. If Redis rejects it, the gateway works as it does without Redis.',
  }),
  // A request waits for its limit, and half as long for the lookup of its token: 90 ms in all.
  commandTimeoutMs: milliseconds({
    default: 60,
    meaning:
      'The time that a command to Redis may take. When it passes, the gateway is degraded: it counts limits in memory until Redis responds.',
  }),
};

const LIMIT_NAME = /^[A-Z0-9_]+$/;

/** Limits of the requests of one user or one client address. */
export const RATE_LIMIT = {
  isOn: flag({
    variable: 'RATELIMIT',
    default: true,
    meaning: 'Whether the gateway limits requests. With `off` no client gets 429 for its rate.',
  }),
  perMinute: {
    kind: 'family',
    variable: 'RATELIMIT_<NAME>',
    // An upstream may be called `ratelimit`.
    pattern: /^RATELIMIT_(?!(?:[A-Z0-9_]+_)?SERVICE_(?:URL$|TLS_))([A-Z0-9_]+)$/,
    keyOf: (name) => name,
    keyOfGiven: (name) => (LIMIT_NAME.test(name) ? name : undefined),
    names: 'the name of a limit: capitals, digits and underscores',
    defaultText: 'by route; 100 for `RATELIMIT_DEFAULT`',
    schema: z.number().int().min(1).max(1_000_000),
    parse: Number,
    format: String,
    takes: 'requests a minute, 1 to 1000000',
    bounds: [1, 1_000_000],
    meaning:
      'The requests a minute that one user may send to the routes of a limit, such as `RATELIMIT_AUTH_LOGIN`. Further requests get 429.',
  } satisfies Family<number> as Family<number>,
  replicas: count({
    variable: 'GATEWAY_REPLICAS',
    default: 1,
    meaning:
      'The number of gateways that share the limits. Without Redis each gateway lets its part of a limit pass.',
  }),
};
