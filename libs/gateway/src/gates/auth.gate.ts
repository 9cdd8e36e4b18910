import { Authenticator, RevocationStore } from '@app/auth/internal';
import type { Exchange, Gate } from '@app/proxy';
import { Injectable } from '@nestjs/common';

/** Demands a valid access token on all routes without `auth: 'none'`. */
@Injectable()
export class AuthGate implements Gate {
  readonly authenticates = true;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly revocations: RevocationStore,
  ) {}

  check(exchange: Exchange): void | Promise<void> {
    const { route } = exchange;
    if (route && route.options.auth !== 'none') return this.authenticator.authenticate(exchange);
  }

  /**
   * When the upstream has confirmed a logout, revokes the token and its session on this gateway, before the client
   * reads the response. Only the auth service writes the revocation for the other gateways to Redis: it knows all
   * tokens of a session, it ends sessions without a request through the gateway (a reset, a stolen refresh token), and
   * it keeps a revocation that Redis refused, over its own restart too. A gateway knows one token, and needs no right
   * to write revocations.
   */
  onResponse(exchange: Exchange, status: number): void {
    if (!exchange.route?.options.endsSession || status < 200 || status > 299) return;
    if (exchange.principal) this.revocations.revokePrincipal(exchange.principal);
  }
}
