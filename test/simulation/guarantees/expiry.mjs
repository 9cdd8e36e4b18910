/** Milliseconds that a token is valid past its expiry: `JWT_CLOCK_TOLERANCE_SECONDS` of the scenario. */
const TOLERANCE_MS = 1_000;

/** Milliseconds after which the WebSockets and event streams of an expired token must be closed, with an event in progress. */
const CLOSE_MS = 3_000;

/** G5: an expired token is good for nothing, and a valid one is accepted. */
export class Expiry {
  #world;

  constructor(world) {
    this.#world = world;
  }

  /** When a token is no longer valid, in milliseconds of the ledger. */
  endOf({ tokenId }) {
    const { lifeSeconds = Infinity } = this.#world.sessions.find((session) => session.tokenId === tokenId);
    return lifeSeconds * 1_000 + TOLERANCE_MS;
  }

  hasEnded(party) {
    return this.#world.ledger.now >= this.endOf(party);
  }

  /** A service has the head of a request. */
  onHead(request) {
    const deliveredAt = request.socket.arrivedAt(request.headEnd);
    if (request.isPrivate && deliveredAt >= this.endOf(request))
      this.#violate(`${request.id} came at ${deliveredAt} with an expired token, and reached a service`);
  }

  /** A service has the handshake of a relay. */
  onHandshake(relay) {
    if (relay.deliveredAt() >= this.endOf(relay))
      this.#violate(`relay ${relay.id} was opened with an expired token`);
  }

  /** A client has a whole response. */
  onResponse(request, { status }) {
    const isValid =
      !this.#world.setsClock &&
      !request.isAnonymous &&
      this.#world.ledger.now < this.endOf(request) - TOLERANCE_MS;
    if (status === 401 && isValid && !this.#world.redis)
      this.#violate(`${request.id} got 401 with a valid token`);
  }

  /** A relay's connection is gone. */
  onRelayClosed(relay) {
    if (relay.closeCode === 4401 && !this.#world.setsClock && !this.hasEnded(relay))
      this.#violate(`relay ${relay.id} was closed as expired with a valid token`);
  }

  /** Looks at what is open. */
  watch() {
    const { ledger } = this.#world;
    for (const relay of ledger.relays.values()) {
      if (relay.isOpen && relay.closedAt === undefined) this.#checkOpen(`relay ${relay.id}`, relay);
    }
    for (const request of ledger.requests.values()) {
      if (request.isStreaming && request.settledAt === undefined) this.#checkOpen(request.id, request);
    }
  }

  #checkOpen(name, party) {
    if (this.#world.ledger.now > this.endOf(party) + CLOSE_MS)
      this.#violate(`${name} is open, and its token expired at ${this.endOf(party)}`);
  }

  #violate(text) {
    this.#world.ledger.violate('G5', text);
  }
}
