import { Authenticator, RevocationStore } from '@app/auth';
import type { Exchange, Gate } from '@app/proxy';
import { Injectable } from '@nestjs/common';

/** Demands a valid access token wherever the route does not say `auth: 'none'`. */
@Injectable()
export class AuthGate implements Gate {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly revocations: RevocationStore,
  ) {}

  check(exchange: Exchange): void | Promise<void> {
    const { route } = exchange;
    if (route && route.options.auth !== 'none') return this.authenticator.authenticate(exchange);
  }

  /**
   * A logout that the service confirmed ends the token here at once, before the client reads the answer. The key for the
   * other gateways is written by the service alone: it knows all tokens of the session, it ends sessions without a
   * request of their own (a reset, a stolen refresh token), and it keeps a key that Redis refused over its own restart.
   * A gateway knows one token, and needs no right to write revocations.
   */
  onResponse(exchange: Exchange, status: number): void {
    if (!exchange.route?.options.endsSession || status < 200 || status > 299) return;
    if (exchange.principal) this.revocations.revokePrincipal(exchange.principal);
  }
}
