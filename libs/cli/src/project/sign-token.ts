import type { Settings } from '@app/gateway/internal';
import { randomId } from '@app/proxy/internal';
import { JwtService } from '@nestjs/jwt';

/** Who a token is for. */
export interface TokenOwner {
  readonly user: string;
  readonly role: string;
  /** Seconds from now. */
  readonly expires: number;
}

/** Signs an access token that a gateway with these settings accepts. */
export function signToken(
  { user, role, expires }: TokenOwner,
  { secret, audience, issuer, claims: names }: Settings['auth'],
): { readonly token: string; readonly claims: Readonly<Record<string, unknown>> } {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    [names.userId]: user,
    ...(names.role !== undefined && { [names.role]: role }),
    [names.tokenId]: randomId(),
    [names.sessionId]: randomId(),
    ...(audience !== undefined && { aud: audience }),
    ...(issuer !== undefined && { iss: issuer }),
    iat: now,
    exp: now + expires,
  };
  return { token: new JwtService({ secret }).sign(claims, { algorithm: 'HS256' }), claims };
}
