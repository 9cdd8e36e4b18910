/**
 * Milliseconds in which every gateway must refuse what Redis has as revoked, while Redis and its notifications are well: the
 * latency of a notification, and the event loop.
 */
const NOTIFICATION_MS = 100;

/**
 * The same since Redis is well again, and for a notification that was lost: `PROOF_MS` of `RevocationStore`, in which
 * notifications are proven, with `RECONNECT_MOST_MS` and `BACKGROUND_TIMEOUT_MS` of `RedisConnection`.
 */
const RECOVERY_MS = 10_000 + 1_000 + 1_000;

/**
 * Milliseconds in which a gateway that knows a revocation ends relays and responses in flight: two checks of
 * `SessionResponses`, its `EVENT_TIMEOUT_MS` in which an event may end, a check, and the latency.
 */
const END_MS = 2 * 400 + 1_000 + 400 + 100;

/** Milliseconds for which a response in flight is not looked up: `LOOK_UP_AFTER_MS` of `SessionResponses`, and a check. */
const LOOK_UP_MS = 1_400;

/** What can be revoked of a session, with its key in Redis. */
export const revocationsOf = ({ tokenId, sessionId }) => [
  { id: tokenId, kind: 'token', key: `blacklist:${tokenId}` },
  { id: sessionId, kind: 'session', key: `blacklist:session:${sessionId}` },
];

/** G5: revoked tokens and sessions. */
export class Revocation {
  #world;

  constructor(world) {
    this.#world = world;
  }

  onHead(request) {
    if (request.isPrivate) this.#check(request, request.socket.arrivedAt(request.headEnd));
  }

  onHandshake(relay) {
    this.#check(relay, relay.deliveredAt());
  }

  watch() {
    const { ledger, gateways } = this.#world;
    this.#forgetLost();
    for (const gateway of gateways) if (gateway.state === 'up') this.#checkMemory(gateway);
    for (const relay of ledger.relays.values()) {
      if (relay.isOpen && relay.closedAt === undefined) this.#checkEnded(relay, relay.openedAt);
    }
    for (const request of ledger.requests.values()) {
      if (this.#isInFlight(request)) this.#checkEnded(request, request.arrivals[0].at);
    }
  }

  async checkRest() {
    const { redis, gateways, ledger } = this.#world;
    if (!redis) return;
    this.#forgetLost();
    for (const gateway of gateways.filter(({ state }) => state === 'up')) {
      for (const { id, kind } of ledger.redisRevocations) {
        if (!(await gateway.isRevoked(id, kind)))
          this.#violate(`gateway ${gateway.number} does not know that ${kind} ${id} is revoked`);
      }
    }
  }

  /** A failover may lose what Redis was told. */
  #forgetLost() {
    const { redis, ledger } = this.#world;
    ledger.redisRevocations = ledger.redisRevocations.filter(({ key }) => redis.get(key) !== undefined);
  }

  /** A service has got a request or a handshake whose head had come to the gateway at a moment. */
  #check(entry, deliveredAt) {
    const known = this.#world.ledger.revocationOf(entry, deliveredAt);
    if (known)
      this.#violate(`${entry.id} came at ${deliveredAt}, and its ${known.kind} was revoked at ${known.at}`);
    for (const revocation of this.#redisRevocationsOf(entry)) {
      const dueAt = this.#dueAt(revocation, entry);
      if (dueAt < deliveredAt)
        this.#violate(
          `${entry.id} came at ${deliveredAt}, and Redis has its ${revocation.kind} as revoked since ${revocation.at}`,
        );
    }
  }

  /** Memory has what it must have, unless each request is looked up. */
  #checkMemory(gateway) {
    const { ledger } = this.#world;
    const store = gateway.get('RevocationStore');
    if (store.usesLookups) return;
    for (const revocation of ledger.redisRevocations) {
      const isDue = this.#dueAt(revocation, { gateway: gateway.number, life: gateway.life }) < ledger.now;
      if (isDue && !store.isRevoked(revocation.id, revocation.kind))
        this.#violate(
          `gateway ${gateway.number} does not know at ${ledger.now} that ${revocation.kind} ${revocation.id} is revoked since ${revocation.at}`,
        );
    }
  }

  /** A relay or a response in flight does not go on after its revocation. */
  #checkEnded(entry, since) {
    const { ledger } = this.#world;
    const known = ledger.revocationOf(entry);
    const moments = known
      ? [known.at]
      : this.#redisRevocationsOf(entry).map((each) => this.#dueAt(each, entry) + LOOK_UP_MS);
    for (const at of moments) {
      if (ledger.now - Math.max(at, since) > END_MS)
        this.#violate(
          `${entry.id} goes on at ${ledger.now}, and the gateway had to know its revocation at ${at}`,
        );
    }
  }

  /** Whether a gateway has a request at a service. The access line comes at its end. */
  #isInFlight(request) {
    const { ledger } = this.#world;
    return (
      request.isPrivate &&
      request.settledAt === undefined &&
      request.arrivals.length > 0 &&
      !ledger.lines.has(request.requestId) &&
      !request.socket.hasPaused &&
      ledger.lifeOf(request)?.isKilled === false
    );
  }

  #redisRevocationsOf({ tokenId, sessionId }) {
    return this.#world.ledger.redisRevocations.filter(({ id }) => id === tokenId || id === sessionId);
  }

  /** When the process of the gateway of an entry must know a revocation, whatever Redis has been through. */
  #dueAt({ at }, entry) {
    const { ledger } = this.#world;
    const since = Math.max(at, ledger.lifeOf(entry)?.startedAt ?? 0);
    let dueAt = since + NOTIFICATION_MS;
    for (const { name, begunAt, endsAt } of ledger.redisFaults) {
      if (begunAt > dueAt || endsAt + RECOVERY_MS < since) continue;
      // A notification that is lost does not stop the proofs.
      const wellAt = name === 'losesNotifications' ? since : endsAt;
      dueAt = Math.max(dueAt, wellAt + RECOVERY_MS);
    }
    return dueAt;
  }

  #violate(text) {
    this.#world.ledger.violate('G5', text);
  }
}
