import type { IncomingMessage } from 'node:http';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Authenticator } from './authenticator.js';

/**
 * Requires a valid access token for a controller's requests, by the rules of the gateway's protected routes; also in a Nest
 * application without the gateway.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(private readonly authenticator: Authenticator) {}

  /** @throws AuthenticationException */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    await this.authenticator.authenticateRequest(context.switchToHttp().getRequest<IncomingMessage>());
    return true;
  }
}
