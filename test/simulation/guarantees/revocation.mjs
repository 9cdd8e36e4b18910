/** Milliseconds after which a relay of a revoked session must be closed. */
const REVOCATION_MS = 2_500;

/** G5: revoked tokens and sessions reach no upstream. */
export class Revocation {
  #world;

  constructor(world) {
    this.#world = world;
  }

  onHead(request) {
    if (!request.isPrivate) return;
    const deliveredAt = request.socket.arrivedAt(request.headEnd);
    const known = this.#world.ledger.revocationOf(request, deliveredAt);
    if (known)
      this.#violate(
        `${request.id} came at ${deliveredAt}, after its ${known.kind} was revoked at ${known.at}`,
      );
  }

  onHandshake(relay) {
    const known = this.#world.ledger.revocationOf(relay, relay.deliveredAt());
    if (known) this.#violate(`relay ${relay.id} was opened after its ${known.kind} was revoked`);
  }

  watch() {
    for (const relay of this.#world.ledger.relays.values()) this.#checkRelay(relay);
  }

  async checkRest() {
    const { redis, gateways, sessions } = this.#world;
    if (!redis) return;
    const revoked = sessions.flatMap(revocationsOf).filter(({ key }) => redis.get(key));
    for (const gateway of gateways.filter(({ state }) => state === 'up')) {
      for (const { id, kind } of revoked) {
        if (!(await gateway.isRevoked(id, kind)))
          this.#violate(`gateway ${gateway.number} does not know that ${id} is revoked`);
      }
    }
  }

  #checkRelay(relay) {
    if (relay.closedAt !== undefined || !relay.isOpen) return;
    const { ledger } = this.#world;
    const known = ledger.revocationOf(relay);
    if (known && ledger.now - Math.max(known.at, relay.openedAt) > REVOCATION_MS) {
      this.#violate(
        `relay ${relay.id} is open at ${ledger.now}, and its ${known.kind} was revoked at ${known.at}`,
      );
    }
  }

  #violate(text) {
    this.#world.ledger.violate('G5', text);
  }
}

/** What can be revoked of a session, with its key in Redis. */
const revocationsOf = ({ tokenId, sessionId }) => [
  { id: tokenId, kind: 'token', key: `blacklist:${tokenId}` },
  { id: sessionId, kind: 'session', key: `blacklist:session:${sessionId}` },
];
