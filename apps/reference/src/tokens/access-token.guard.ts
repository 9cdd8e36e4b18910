import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import type { Request } from 'express';
import { AccessClaims } from './access-token.js';

/** Marks a handler that needs no access token. */
export const Public = Reflector.createDecorator<void, true>({ transform: () => true });

export type AuthenticatedRequest = Request & { caller?: AccessClaims };

/** Checks the bearer token itself, whoever is in front, so that no header but `Authorization` says who calls. */
@Injectable()
export class AccessTokenGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly jwt: JwtService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.get(Public, context.getHandler())) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    request.caller = await this.#verify(request.headers.authorization);
    return true;
  }

  async #verify(header: string | undefined): Promise<AccessClaims> {
    if (header === undefined) throw new UnauthorizedException('Authorization header required');
    const token = /^Bearer ([^\s]+)$/i.exec(header)?.[1];
    if (token === undefined) throw new UnauthorizedException('Invalid authorization header format');
    const payload: unknown = await this.jwt.verifyAsync(token).catch((error: Error) => {
      const isForOthers = error.message.startsWith('jwt audience invalid');
      throw new UnauthorizedException(isForOthers ? 'Invalid token audience' : 'Invalid token');
    });
    const claims = AccessClaims.safeParse(payload);
    if (!claims.success) throw new UnauthorizedException('Invalid token');
    return claims.data;
  }
}
