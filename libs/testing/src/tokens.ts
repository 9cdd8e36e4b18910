import { createHmac } from 'node:crypto';
import type { Settings } from '@app/gateway/internal';
import { randomId } from '@app/proxy/internal';

/** Claims of a JWT, by their names. */
export type Claims = Readonly<Record<string, unknown>>;

/** The form of a token. */
export interface TokenForm {
  /** The HMAC key. */
  readonly secret: string;
  /** HS256, HS384, HS512, or `none`, which leaves the signature empty. Default: HS256, the one that the gateway accepts. */
  readonly alg?: string;
  /** Fields of the header beside `alg` and `typ`. Default: none. */
  readonly header?: Claims;
}

/** Seconds for which a token is valid. */
const VALID_SECONDS = 900;

/**
 * Signs a JWT (RFC 7519) by Node's crypto alone, without the library that the gateway decodes with.
 *
 * @param claims those that are undefined are left out
 */
export function signJwt(claims: Claims, { secret, alg = 'HS256', header = {} }: TokenForm): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg, typ: 'JWT', ...header })}.${part(claims)}`;
  if (alg === 'none') return `${signed}.`;
  return `${signed}.${createHmac(alg.replace('HS', 'sha'), secret).update(signed).digest('base64url')}`;
}

/**
 * The claims of an access token that a gateway with these settings accepts, of a new user, without a session.
 *
 * @param claims replace the others; an undefined one is left out
 */
export function accessClaims({ audience, issuer, claims: names }: Settings['auth'], claims: Claims): Claims {
  const now = Math.floor(Date.now() / 1000);
  const userId = randomId();
  return {
    sub: userId,
    [names.userId]: userId,
    [names.tokenId]: randomId(),
    ...(names.role !== undefined && { [names.role]: 'user' }),
    [names.email]: 'ada@example.com',
    [names.username]: 'ada',
    aud: audience,
    iss: issuer,
    iat: now,
    nbf: now,
    exp: now + VALID_SECONDS,
    ...claims,
  };
}

/** The claims of a token, whether its signature is right or wrong. @throws SyntaxError if it is no JWT */
export function claimsOf(token: string): Claims {
  const [, payload = ''] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
}
