import type { IncomingMessage } from 'node:http';
import { exchangeOf } from '@app/proxy';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Authenticator } from './authenticator.js';

/** Requires a valid access token for a controller's requests, by the rules of the gateway's protected routes. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(private readonly authenticator: Authenticator) {}

  /** @throws AuthenticationException */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    await this.authenticator.authenticate(exchangeOf(context.switchToHttp().getRequest<IncomingMessage>())!);
    return true;
  }
}
