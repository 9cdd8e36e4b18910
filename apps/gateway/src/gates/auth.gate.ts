import { Authenticator, principalOf, RevocationStore } from '@app/auth';
import type { Exchange, Gate } from '@app/proxy';
import { Injectable } from '@nestjs/common';

/** Demands a valid access token wherever the route does not say `auth: 'none'`. */
@Injectable()
export class AuthGate implements Gate {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly revocations: RevocationStore,
  ) {}

  admit(exchange: Exchange): void | Promise<void> {
    const { route } = exchange;
    if (route && route.auth !== 'none') return this.authenticator.authenticate(exchange.request);
  }

  /** A logout that the service confirmed ends the token here at once, before the client reads the answer. */
  answered(exchange: Exchange, status: number): void {
    if (!exchange.route?.endsSession || status < 200 || status > 299) return;
    const principal = principalOf(exchange.request);
    if (principal) this.revocations.revoke(principal.tokenId, principal.expiresAt);
  }
}
