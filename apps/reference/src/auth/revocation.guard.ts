import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Public, type AuthenticatedRequest } from '../tokens/access-token.guard.js';
import { SessionService } from './session.service.js';

/** Refuses an access token whose session has ended. */
@Injectable()
export class RevocationGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly sessions: SessionService,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (this.reflector.get(Public, context.getHandler())) return true;
    const { caller } = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (caller === undefined || this.sessions.isRevoked(caller.jti)) {
      throw new UnauthorizedException('Token revoked', { errorCode: 'TOKEN_REVOKED' });
    }
    return true;
  }
}
