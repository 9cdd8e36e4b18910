import { Drainable, type DrainTarget } from '../../http/drainable.js';
import { SETTINGS, type Settings } from '../../settings/complete-settings.js';
import { RevocationStore, type Principal } from '@app/auth/internal';
import { delay, DenseSet, inRandomOrder, Ticker, type DenseMember, type Ticking } from '@app/proxy/internal';
import { Inject, type OnApplicationShutdown } from '@nestjs/common';
import { CLOSE_REASON, type CloseReason } from './close-reasons.js';
import type { Evictable } from './byte-budget.js';
import type { RelayRecord } from './relay-record.js';

/** How often the timeouts of each relay are checked, in milliseconds. */
const TICK_MS = 1_000;

/** Share of a drain's time in which relays are closed, 0 to 1. The rest is for the clients' responses. */
const SPREAD_RATIO = 0.8;

/** How often a drain checks whether relays remain, in milliseconds. */
const CHECK_MS = 50;

/** The part of a relay that revocation, drain and budget use. */
export interface LiveRelay extends RelayRecord, Evictable, DenseMember {
  /** Checks the timeouts. @param now `performance.now()` */
  tick(now: number): void;
  /** The principal of the token that opened or renewed the relay; undefined on routes without authentication. */
  readonly principal: Principal | undefined;
  close(reason: CloseReason): void;
  closeIfExpired(): void;
  /** Whether the relay is closing or closed. */
  readonly isEnded: boolean;
  /** Ends both connections without a close frame. */
  terminate(): void;
}

/** The open relays. Closes them at a revocation and in the drain, and triggers the checks of their timeouts. */
@Drainable()
export class Relays implements Ticking, DrainTarget, OnApplicationShutdown {
  /** See `DenseMember`. */
  slot = -1;
  private readonly relays = new DenseSet<LiveRelay>();
  private readonly byToken = new Map<string, Set<LiveRelay>>();
  private readonly bySession = new Map<string, Set<LiveRelay>>();
  private readonly ticker: Ticker;
  private isClosed = false;

  constructor(
    @Inject(SETTINGS) config: Settings,
    private readonly revocations: RevocationStore,
  ) {
    this.ticker = new Ticker(Math.min(TICK_MS, config.websocket.pingMs));
    this.ticker.add(this);
    revocations.onRevoked((id, kind) => {
      closeAll((kind === 'token' ? this.byToken : this.bySession).get(id), CLOSE_REASON.TOKEN_REVOKED);
    });
  }

  [Symbol.iterator](): Iterator<LiveRelay> {
    return this.relays[Symbol.iterator]();
  }

  get size(): number {
    return this.relays.size;
  }

  /** Whether new relays and resumptions are refused. */
  get refusesNew(): boolean {
    return this.isClosed;
  }

  countOpen(): { readonly websockets: number } {
    return { websockets: this.relays.size };
  }

  add(relay: LiveRelay): void {
    this.relays.add(relay);
    // The relay passed the gates before the drain began, and opened after.
    if (this.isClosed) relay.close(CLOSE_REASON.RESTART);
  }

  delete(relay: LiveRelay): void {
    this.relays.delete(relay);
  }

  /** Makes a relay known by its token and session. @param before principal that the relay had until now */
  index(relay: LiveRelay, principal: Principal | undefined, before: Principal | undefined): void {
    if (before) {
      remove(this.byToken, before.tokenId, relay);
      if (before.sessionId !== undefined) remove(this.bySession, before.sessionId, relay);
    }
    if (!principal) return;
    add(this.byToken, principal.tokenId, relay);
    if (principal.sessionId !== undefined) add(this.bySession, principal.sessionId, relay);
    // The token may have been revoked since the auth gate checked it.
    void this.check(relay, principal);
  }

  /** Checks the timeouts of each relay, and the tokens while notifications of revocations do not suffice. */
  tick(now: number): void {
    for (const relay of this.relays) relay.tick(now);
    const { usesLookups, hasMissedSessions } = this.revocations;
    if (!usesLookups && !hasMissedSessions) return;
    for (const relay of this.relays) {
      if (hasMissedSessions) relay.closeIfExpired();
      const { principal } = relay;
      if (usesLookups && principal) void this.check(relay, principal);
    }
  }

  private async check(relay: LiveRelay, principal: Principal): Promise<void> {
    if (await this.revocations.isRevokedPrincipal(principal)) relay.close(CLOSE_REASON.TOKEN_REVOKED);
  }

  /** Refuses new relays from now on. */
  refuseNew(): void {
    this.isClosed = true;
  }

  /**
   * Closes all relays with 1012, in random order and spread evenly over `SPREAD_RATIO` of the time, so that their
   * clients do not all reconnect at once.
   */
  async drain(deadline: number): Promise<void> {
    const order = inRandomOrder(this.relays);
    const begun = performance.now();
    const spreadMs = (deadline - begun) * SPREAD_RATIO;
    for (const [index, relay] of order.entries()) {
      const due = begun + (spreadMs * index) / order.length;
      // If all relays have closed meanwhile, there is nothing to wait for.
      while (performance.now() < due && this.relays.size > 0) {
        await delay(Math.min(CHECK_MS, Math.max(0, due - performance.now())));
      }
      if (this.relays.has(relay)) relay.close(CLOSE_REASON.RESTART);
    }
  }

  onApplicationShutdown(): void {
    this.ticker.stop();
    for (const relay of this.relays) relay.terminate();
  }
}

function add(relays: Map<string, Set<LiveRelay>>, id: string, relay: LiveRelay): void {
  const found = relays.get(id);
  if (found) found.add(relay);
  else relays.set(id, new Set([relay]));
}

function remove(relays: Map<string, Set<LiveRelay>>, id: string, relay: LiveRelay): void {
  const found = relays.get(id);
  found?.delete(relay);
  if (found?.size === 0) relays.delete(id);
}

function closeAll(relays: Iterable<LiveRelay> | undefined, reason: CloseReason): void {
  for (const relay of relays ?? []) relay.close(reason);
}
