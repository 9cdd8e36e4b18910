import { OpenExchanges, SessionEndedException } from '@app/gateway';
import { Authenticator, RevocationStore, type Principal } from '@app/auth';
import { cutExchange, endExchange, isEventStream, Ticker, type Exchange, type Ticking } from '@app/proxy';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Metrics } from '../observability/metrics.js';

/** How often responses are looked at, in milliseconds. */
const TICK_MS = 400;

/** Milliseconds that an event which is on its way may take. */
const EVENT_TIMEOUT_MS = 1_000;

/** Milliseconds from which on a response is looked up, if Redis must be asked. */
const LOOK_UP_AFTER_MS = 1_000;

/** A response whose session has ended. */
interface Ended {
  readonly exception: SessionEndedException;
  /** `performance.now()` when it was first seen. */
  readonly seenAt: number;
  readonly isEnding: boolean;
}

/**
 * Ends responses in flight with the session of their request, within a second: each when its token or session is revoked;
 * event streams, and routes that say so, when the token expires.
 *
 * A response is ended at the second look that finds it so: the request that ended the session, such as the deletion of an
 * account, is to be answered itself.
 */
@Injectable()
export class SessionResponses implements Ticking, OnApplicationShutdown {
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
      this.note(exchange, 'expired', now);
    } else if (!this.revocations.usesLookups || now - exchange.startedAt > LOOK_UP_AFTER_MS) {
      const isRevoked = this.revocations.isRevokedPrincipal(principal);
      if (isRevoked === true) this.note(exchange, 'revoked', now);
      else if (isRevoked) void isRevoked.then((found) => found && this.note(exchange, 'revoked', now));
    }
  }

  private note(exchange: Exchange, reason: 'revoked' | 'expired', now: number): void {
    this.ended.set(exchange, { exception: new SessionEndedException(reason), seenAt: now, isEnding: false });
  }

  private end(exchange: Exchange, { exception, seenAt, isEnding }: Ended, now: number): void {
    if (!isEnding) {
      this.metrics.sessionEnded(exception.reason);
      this.ended.set(exchange, { exception, seenAt: now, isEnding: true });
      endExchange(exchange, exception);
    } else if (now - seenAt >= EVENT_TIMEOUT_MS) {
      cutExchange(exchange, exception);
    }
  }

  onApplicationShutdown(): void {
    this.ticker.stop();
  }
}

function endsAtExpiry(exchange: Exchange): boolean {
  return exchange.route?.options.endsAtExpiry ?? isEventStream(exchange);
}
