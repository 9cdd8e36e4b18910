import type { IncomingMessage } from 'node:http';
import { exchangeOf } from '@app/proxy';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Authenticator } from './authenticator.js';

/** Demands a valid access token of a controller's requests, by the rules of the gateway's protected routes. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(private readonly authenticator: Authenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    await this.authenticator.authenticate(exchangeOf(context.switchToHttp().getRequest<IncomingMessage>())!);
    return true;
  }
}
