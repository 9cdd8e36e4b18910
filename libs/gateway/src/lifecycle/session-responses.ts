import { SessionEndedException } from '../http/exceptions.js';
import { OpenExchanges } from '../http/open-exchanges.js';
import { Authenticator, RevocationStore, type Principal } from '@app/auth/internal';
import { Ticker, type Exchange, type Ticking } from '@app/proxy/internal';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Metrics } from '../observability/metrics.js';

/** How often responses are checked, in milliseconds. */
const TICK_MS = 400;

/** How long an event stream may take to complete its current event, in milliseconds; then the response is cut. */
const EVENT_TIMEOUT_MS = 1_000;

/** Age of an exchange from which on its token is looked up in Redis, if the store uses lookups, in milliseconds. */
const LOOK_UP_AFTER_MS = 1_000;

/** A response whose session has ended. */
interface Ended {
  readonly exception: SessionEndedException;
  /** When the gateway began to end it, in milliseconds of `performance.now()`. */
  endingSince?: number;
}

/**
 * Ends responses in flight after the session of their request: every response if its token or session is revoked;
 * streams, and responses of routes with `endsAtExpiry: true`, if the token expires. `endsAtExpiry: false` exempts a
 * stream from expiry. Responses of routes with `endsSession` are exempt from both.
 *
 * The end begins within a second, at the second check, so that the request that ended the session, such as the deletion
 * of an account, gets its own response. An event stream may take another second to complete its current event. If the
 * store uses lookups, they start when an exchange is a second old.
 */
@Injectable()
export class SessionResponses implements Ticking, OnApplicationShutdown {
  /** See `DenseMember`. */
  slot = -1;
  private readonly ticker = new Ticker(TICK_MS);
  private readonly ended = new WeakMap<Exchange, Ended>();

  constructor(
    private readonly open: OpenExchanges,
    private readonly authenticator: Authenticator,
    private readonly revocations: RevocationStore,
    private readonly metrics: Metrics,
  ) {
    this.ticker.add(this);
  }

  tick(now: number): void {
    for (const exchange of this.open) {
      const { principal } = exchange;
      if (principal && !exchange.route?.options.endsSession) this.look(exchange, principal, now);
    }
  }

  private look(exchange: Exchange, principal: Principal, now: number): void {
    const ended = this.ended.get(exchange);
    if (ended) {
      this.end(exchange, ended, now);
    } else if (this.authenticator.isExpired(principal) && endsAtExpiry(exchange)) {
      this.note(exchange, 'expired');
    } else if (this.revocations.isKnownRevoked(principal)) {
      this.note(exchange, 'revoked');
    } else if (this.revocations.usesLookups && now - exchange.startedAt > LOOK_UP_AFTER_MS) {
      void this.lookUp(exchange, principal);
    }
  }

  private async lookUp(exchange: Exchange, principal: Principal): Promise<void> {
    if (await this.revocations.isRevokedPrincipal(principal)) this.note(exchange, 'revoked');
  }

  private note(exchange: Exchange, reason: 'revoked' | 'expired'): void {
    // Two lookups of one exchange may be pending at once.
    if (!this.ended.has(exchange)) this.ended.set(exchange, { exception: new SessionEndedException(reason) });
  }

  private end(exchange: Exchange, ended: Ended, now: number): void {
    const { exception, endingSince } = ended;
    if (endingSince === undefined) {
      this.metrics.sessionEnded(exception.reason);
      ended.endingSince = now;
      exchange.endEarly(exception);
    } else if (now - endingSince >= EVENT_TIMEOUT_MS) {
      exchange.breakOff(exception);
    }
  }

  onApplicationShutdown(): void {
    this.ticker.stop();
  }
}

function endsAtExpiry(exchange: Exchange): boolean {
  return exchange.route?.options.endsAtExpiry ?? exchange.isStream;
}
