import { Drainable, SETTINGS, type DrainTarget, type Settings } from '@app/gateway';
import { RevocationStore, type Principal } from '@app/auth';
import { delay, randomFraction, Ticker, type Ticking } from '@app/proxy';
import { Inject, type OnApplicationShutdown } from '@nestjs/common';
import { CLOSE_REASON, type CloseReason } from './close-reasons.js';
import type { Evictable } from './byte-budget.js';
import type { RelayRecord } from './relay-record.js';

/** How often the timeouts of each relay are checked, in milliseconds. */
const TICK_MS = 1_000;

/** The part of a drain's time in which relays are closed, 0 to 1. In the rest their clients respond to the close frame. */
const SPREAD_RATIO = 0.8;

/** How often a drain checks whether a relay is left, in milliseconds. */
const CHECK_MS = 50;

/** A relay as revocation, drain and budget see it. */
export interface LiveRelay extends RelayRecord, Evictable, Ticking {
  /** Whose token opened or renewed it; undefined if its route asks for none. */
  readonly principal: Principal | undefined;
  close(reason: CloseReason): void;
  closeIfExpired(): void;
  /** Whether it is closing or closed. */
  readonly isEnded: boolean;
  /** Ends both connections without a close frame. */
  terminate(): void;
}

/** The open relays: revocation and drain find them here, and their timeouts are checked from here. */
@Drainable()
export class Relays implements Ticking, DrainTarget, OnApplicationShutdown {
  slot = -1;
  private readonly relays = new Set<LiveRelay>();
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
    return this.relays.values();
  }

  get size(): number {
    return this.relays.size;
  }

  /** Whether no new relay may begin and no upstream may be resumed. */
  get refusesNew(): boolean {
    return this.isClosed;
  }

  countOpen(): { readonly websockets: number } {
    return { websockets: this.relays.size };
  }

  add(relay: LiveRelay): void {
    this.relays.add(relay);
    this.ticker.add(relay);
    // It passed the gates before the drain began, and opened after.
    if (this.isClosed) relay.close(CLOSE_REASON.RESTART);
  }

  delete(relay: LiveRelay): void {
    this.relays.delete(relay);
    this.ticker.delete(relay);
  }

  /** Finds the relay by its token and session from now on. @param before its principal until now */
  index(relay: LiveRelay, principal: Principal | undefined, before: Principal | undefined): void {
    if (before) {
      remove(this.byToken, before.tokenId, relay);
      if (before.sessionId !== undefined) remove(this.bySession, before.sessionId, relay);
    }
    if (!principal) return;
    add(this.byToken, principal.tokenId, relay);
    if (principal.sessionId !== undefined) add(this.bySession, principal.sessionId, relay);
    // The gate has seen the token some time ago.
    void this.check(relay, principal);
  }

  /** Checks what no notification tells of. */
  tick(): void {
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
   * Closes all relays with 1012, in random order and spread evenly over most of the time, so that their clients do not all
   * come back at once.
   */
  async drain(deadline: number): Promise<void> {
    const order = [...this.relays].map((relay) => ({ relay, rank: randomFraction() }));
    order.sort((one, other) => one.rank - other.rank);
    const begun = performance.now();
    const spreadMs = (deadline - begun) * SPREAD_RATIO;
    for (const [index, { relay }] of order.entries()) {
      const due = begun + (spreadMs * index) / order.length;
      // Those that left meanwhile need no time.
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
