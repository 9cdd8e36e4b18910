import { Injectable, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { AccessClaims } from './access-token.js';

/** The result of the JWT library. */
interface Jwt {
  readonly header: object;
  readonly payload: unknown;
}

/** Verifies the access token of an `Authorization` header, of requests and of WebSocket handshakes. */
@Injectable()
export class AccessTokenVerifier {
  constructor(private readonly jwt: JwtService) {}

  /** @throws UnauthorizedException if the header is missing or the token is invalid */
  async verify(header: string | undefined): Promise<AccessClaims> {
    if (header === undefined) throw new UnauthorizedException('Authorization header required');
    const token = /^Bearer ([^\s]+)$/i.exec(header)?.[1];
    if (token === undefined) throw new UnauthorizedException('Invalid authorization header format');
    const { header: fields, payload } = await this.jwt
      .verifyAsync<Jwt>(token, { complete: true })
      .catch((error: Error) => {
        const isForOthers = error.message.startsWith('jwt audience invalid');
        throw new UnauthorizedException(isForOthers ? 'Invalid token audience' : 'Invalid token');
      });
    // No extension is supported (RFC 7515, section 4.1.11).
    if ('crit' in fields) throw new UnauthorizedException('Invalid token');
    const claims = AccessClaims.safeParse(payload);
    if (!claims.success) throw new UnauthorizedException('Invalid token');
    return claims.data;
  }
}
