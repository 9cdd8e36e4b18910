import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import type { AccessClaims } from './access-token.js';
import { AccessTokenVerifier } from './access-token.verifier.js';

/** Marks a handler that needs no access token. */
export const Public = Reflector.createDecorator<void, true>({ transform: () => true });

export type AuthenticatedRequest = Request & { caller?: AccessClaims };

/** Verifies the bearer token of each request, and trusts no other header about the caller. */
@Injectable()
export class AccessTokenGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: AccessTokenVerifier,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.get(Public, context.getHandler())) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    request.caller = await this.tokens.verify(request.headers.authorization);
    return true;
  }
}
